# Encoded columns, as zstd gives them, to columns; anything else passes as it is. Bytes: LC_ALL=C.
# docs/bundle-format.md says what the codes are. It trusts what it reads: 'sha256sum -c' comes first.
function number(v) {
    return v ~ /^(0|-?[1-9][0-9]*)$/ && length(v) <= 17 && v + 0 <= 9e15 && v + 0 >= -9e15
}

# YYYY-MM-DD of the days since 1970-01-01.
function date(days,    z, era, d, y, doy, m) {
    z = days + 719468
    era = z < 0 ? -1 : int(z / 146097)
    d = z - era * 146097
    y = int((d - int(d / 1460) + int(d / 36524) - int(d / 146096)) / 365)
    doy = d - (365 * y + int(y / 4) - int(y / 100))
    m = int((5 * doy + 2) / 153)
    return sprintf("%04d-%02d-%02d", y + era * 400 + (m >= 10), m < 10 ? m + 3 : m - 9,
                   doy - int((153 * m + 2) / 5) + 1)
}

function moment(v,    day, rest, seconds, part) {
    if (digits == "d")
        return date(v)
    day = 86400 * unit
    rest = v % day
    if (rest < 0)
        rest += day
    seconds = int(rest / unit)
    part = digits > 0 ? sprintf("%0" digits "d", rest - seconds * unit) : ""
    if (trimmed)
        sub(/0+$/, "", part)
    return sprintf("%s %02d:%02d:%02d", date((v - rest) / day), int(seconds / 3600), int(seconds / 60) % 60,
                   seconds % 60) (part == "" ? "" : "." part) tail
}

# A text with other numbers.
function shape(line,    f, i, n, text, out) {
    n = split(line, f, " ")
    text = word[f[1] + 0]
    for (i = 2; i <= n; i++) {
        match(text, /[0-9]+/)
        out = out substr(text, 1, RSTART - 1) f[i]
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}

NR == 1 {
    plain = substr($0, 1, 2) != "\\:"
    if (!plain) {
        split(substr($0, 3), code, " ")
        next
    }
}
plain { print; next }
(NR - 2) % code[1] == 0 {
    kind = substr(code[(NR - 2) / code[1] + 2], 1, 1)
    digits = substr(code[(NR - 2) / code[1] + 2], 2, 1)
    trimmed = substr(code[(NR - 2) / code[1] + 2], 3, 1) == "*"
    tail = substr(code[(NR - 2) / code[1] + 2], 3 + trimmed)
    unit = 10 ^ digits
    last = words = 0
    split("", word)
}
kind == "-" || $0 == "\\N" { print; next }
substr($0, 1, 1) == "=" {
    value = substr($0, 2)
    if (kind == "n" && number(value))
        last = value + 0
    if (words < 16384)
        word[words++] = value
    print value
    next
}
kind == "n" { printf "%.0f\n", last += $0 }
kind == "t" { print moment(last += $0) }
kind == "u" {
    line = substr($0, 1, 12) digits substr($0, 13)
    print substr(line, 1, 8) "-" substr(line, 9, 4) "-" substr(line, 13, 4) "-" substr(line, 17, 4) "-" substr(line, 21)
}
kind == "d" { print word[$0 + 0] }
kind == "s" { print shape($0) }
