# A test of MariaDB's own suite as input of the client: what makes tables and rows stays, what would
# take them away gives them another name, and what steers the test's own program, the server or other
# databases goes. What is left and fails is no matter (--force).
BEGIN {
    delimiter = ";"
}
function lower_has(pattern) {
    return match(tolower($0), pattern)
}
# delimiter |; ... delimiter ;|   The suite names the end of the statement too, the client does not.
lower_has("^(--)?[ \t]*delimiter ") {
    sub(/^--[ \t]*/, "")
    word = $2
    if (length(word) > length(delimiter) && substr(word, length(word) - length(delimiter) + 1) == delimiter)
        word = substr(word, 1, length(word) - length(delimiter))
    delimiter = word
    print "delimiter " word
    next
}
/^--/ { next }
/^[ \t]*#/ { next }
delimiter == ";" && lower_has("^(source|let|eval|echo|connect|connection|disconnect|reap|send|inc|dec|if|while|perl|exec|sleep|die|exit|shutdown|kill|use|flush|reset|install|uninstall|lock|unlock|start|purge|change|stop|xa|backup|prepare|handler|analyze|explain|desc|show|cache|do|call|help|grant|revoke|set +password)([ \t(;$]|$)") { next }
lower_has("global|mysql\\.|create +(or +replace +)?(user|database|schema|server|role)|outfile|dumpfile|load_file|load +(data|xml)|sleep|get_lock|benchmark|debug_sync|release_lock|starting_trx|definer *=|drop +(user|database|schema|server|role)|time_zone *=") { next }
lower_has("^[ \t]*drop +(temporary +)?tables? ") && /;[ \t]*$/ {
    list = $0
    sub(/^[ \t]*[A-Za-z]+ +([Tt][Ee][Mm][Pp][A-Za-z]+ +)?[A-Za-z]+ +/, "", list)
    sub(/^[Ii][Ff] +[Ee][Xx][Ii][Ss][Tt][Ss] +/, "", list)
    sub(/[ \t]*;[ \t]*$/, "", list)
    count = split(list, names, /[ \t]*,[ \t]*/)
    for (i = 1; i <= count; i++) {
        name = names[i]
        gsub(/`/, "", name)
        if (name !~ /[. ]/)
            print "ROLLBACK; RENAME TABLE IF EXISTS `" name "` TO `" name "_until_" NR "`;"
    }
    next
}
lower_has("^[ \t]*(drop|truncate) ") && /;[ \t]*$/ { next }
{ print }
