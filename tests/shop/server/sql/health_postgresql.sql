SELECT count(*) AS countries FROM tax_rates
