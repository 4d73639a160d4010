SELECT COUNT(*) AS categories FROM categories
