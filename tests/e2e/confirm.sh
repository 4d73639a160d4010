#!/bin/bash
# The second run of a rehearsal, when not all goes well in it: what is slow only once, a service that
# does not come up again, a kill and what resumes it.
. "$(dirname "$0")/lib.sh"
e2e_begin confirm

# A service that counts its starts and does at each what a plan says of it; without a plan it is quick.
PLAN=$T/plan
STORE=$T/store
BOX=$T/box
TAPE=$T/day.tape
E2E_BOXES+=("$BOX")
mkdir -p "$PLAN" "$T/prod/code" "$T/release/code"
chmod 777 "$PLAN"
server() { # PLAN
    cat <<-PERL
	use strict;
	use warnings;
	use IO::Socket::INET;
	my (\$plan, \$port) = ('$1', @ARGV);
	my \$act = 'quick';
	if (\$plan) {
	    open(my \$starts, '>>', "\$plan/starts") or die "starts: \$!";
	    syswrite(\$starts, "x");
	    my \$n = -s \$starts;
	    open(my \$todo, '<', "\$plan/\$n") or die "no plan for start \$n";
	    chomp(\$act = <\$todo>);
	}
	die "it was to die\n" if \$act eq 'die';
	sleep while \$act eq 'hang';
	my \$listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => \$port, Listen => 64,
	    ReuseAddr => 1) or die "listen: \$!";
	\$SIG{CHLD} = 'IGNORE';
	while (1) {
	    my \$client = \$listen->accept or next;
	    next if fork;
	    my \$request = <\$client> // '';
	    while (defined(my \$line = <\$client>)) { last if \$line =~ /^\r?\n\$/; }
	    select(undef, undef, undef, 1) if \$act eq 'slow' && \$request =~ m{/list};
	    my \$status = \$act eq 'fail' && \$request =~ m{/list} ? '500 No' : '200 OK';
	    print \$client "HTTP/1.1 \$status\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
	    exit;
	}
	PERL
}
server "" >"$T/prod/code/server.pl"
server "$PLAN" >"$T/release/code/server.pl"
PORT=$(free_port)
cat >"$T/env.yaml" <<YAML
name: small
files:
  - {name: code, path: $T/prod/code}
services:
  - name: web
    run: [$(command -v perl), "\${files.code}/server.pl", "\${port.web}"]
    port: $PORT
    health: {url: "http://127.0.0.1:\${port.web}/healthz", within_s: 60}
traffic: {interface: lo, ports: [$PORT]}
YAML
# Far apart, so that no neighbour makes slow what is quick.
cat >"$T/release/release.yaml" <<YAML
release: "2"
environment: $T/env.yaml
bundle: {store: $STORE, ref: day}
box: $BOX
tape: $TAPE
code: [{from: code, to: code}]
replay: {baselines: 1}
judge: {latency_min_ms: 700, lateness_p99_ms: 10000}
YAML

record() {
    local recorder
    e2e_start web nobody perl "$T/prod/code/server.pl" "$PORT"
    wait_for 10 curl -fsS "http://127.0.0.1:$PORT/healthz" || return 1
    "$REHEARSE" record --env "$T/env.yaml" --to "$TAPE" >"$T/record.out" 2>&1 &
    recorder=$!
    wait_for 20 grep -q recording "$T/record.out" || return 1
    curl -fsS "http://127.0.0.1:$PORT/list?page=[1-24]" >/dev/null || return 1
    kill -INT "$recorder"
    wait "$recorder" || { cat "$T/record.out"; return 1; }
}
plan() { # WHAT THE STARTS OF THE NEW RELEASE DO
    local n=0 act
    rm -f "$PLAN"/*
    for act in "$@"; do n=$((n + 1)) && echo "$act" >"$PLAN/$n"; done
}
slower() { # OUT: severity and text of each reason of that rule
    jq -r '.verdict.reasons[] | select(.rule == "slower") | .severity + " " + .text' "$1/report.json"
}
events() { # FILE EVENT
    jq -c "select(.event == \"$2\")" "$1" | wc -l
}
check "record" record
check "snapshot" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag day

# ---- slow only once -----------------------------------------------------------------------------
plan slow quick
check_status "what is slow only once gets GO" 0 "$REHEARSE" run --out "$T/once" "$T/release/release.yaml"
check_has "with a warning" "$(slower "$T/once")" "warning p50"
check_has "that tells of the second run" "$(slower "$T/once")" "in a second run"

plan quick quick
check_status "its verdict stands: it is not resumed" 18 "$REHEARSE" run --resume "$T/once" "$T/release/release.yaml"
check_has "and that is said, with the mend" "$(cat "$T/out")" "the run has ended, and its verdict stands (hint: 'rehearse report'"
check_same "nothing was started for it" "$(stat -c %s "$PLAN/starts" 2>/dev/null || echo 0)" 0

# ---- the second run fails -----------------------------------------------------------------------
plan slow die
check_status "a service that does not come up again leaves NO-GO" 1 \
    "$REHEARSE" run --keep-running --out "$T/dies" "$T/release/release.yaml"
cp "$T/out" "$T/dies.out"
check_has "the terminal says why nothing is confirmed" "$(cat "$T/dies.out")" "it was to die"
check_has "and that nothing is left running" "$(cat "$T/dies.out")" "the box is not up with the new release"
check_same "which is so" "$("$REHEARSE" box show "$BOX" --json | jq -r .state)" ready
check_has "the reason says it too" "$(slower "$T/dies")" "a second run says nothing of it: once more, step 10"
check_has "and the report" "$(cat "$T/dies/report.html")" "a second run says nothing of it"
check_has "the journal has its event" \
    "$(jq -r '.events[] | select(.event == "replay.unconfirmed") | .why' "$T/dies/report.json")" "it was to die"
check_same "the second run's failure is told in its own journal alone" \
    "$(for j in journal confirm; do jq -c 'select(.event == "box.service" and .state == "died")' "$T/dies/$j.jsonl" | wc -l; done | xargs)" "0 1"

plan slow fail
check_status "answers that fail are quick, and acquit nobody" 1 \
    "$REHEARSE" run --keep-running --out "$T/fails" "$T/release/release.yaml"
cp "$T/out" "$T/fails.out"
check_has "what was found is named" "$(slower "$T/fails")" "it found what the first run did not: response-changed GET /list"
check_same "the box is up, and nothing else is said" "$("$REHEARSE" box show "$BOX" --json | jq -r .state) $(grep -c 'not up' "$T/fails.out")" "running 0"

# ---- killed in the second run -------------------------------------------------------------------
second_start() {
    [ "$(stat -c %s "$PLAN/starts" 2>/dev/null || echo 0)" -eq 2 ]
}
killed() { # SIGNAL OUT STATUS: a run is ended while its second run waits for the service
    local run status
    plan slow hang slow slow
    "$REHEARSE" run --out "$2" "$T/release/release.yaml" >"$2.out" 2>&1 &
    run=$!
    wait_for 60 second_start || return 1
    kill "-$1" "$run"
    wait "$run"
    status=$?
    [ $status -eq "$3" ] || { echo "status $status"; cat "$2.out"; return 1; }
}
check "a run is killed in its second run" killed KILL "$T/killed" 137
check_status "resumed, it is rehearsed twice again" 1 \
    "$REHEARSE" run --keep-running --resume "$T/killed" "$T/release/release.yaml"
check_same "by two more starts" "$(stat -c %s "$PLAN/starts")" 4
check_same "the endpoint is named once" "$(slower "$T/killed" | wc -l)" 1
check_has "as slow both times" "$(slower "$T/killed")" "ms in a second run"
latencies() { # OUT: rows of that chart in the report
    grep -c 'text-anchor="end">GET /list<' "$1/report.html"
}
check_same "the report measures it once, of two attempts" "$(latencies "$T/killed") $(grep -o 'attempts<br><strong>[0-9]*' "$T/killed/report.html")" "1 attempts<br><strong>2"
check_same "the inputs are told once" "$(grep -c "<td>tape</td>" "$T/killed/report.html")" 1
check_has "and what the first one did is pale" "$(cat "$T/killed/report.html")" '<g class="gone"><text x="0.0"'
check_same "the second run's journal is of the last one" "$(events "$T/killed/confirm.jsonl" replay.summary)" 1
check_same "the box is left up" "$("$REHEARSE" box show "$BOX" --json | jq -r .state)" running
check "with the new release" grep -q "$PLAN" "$BOX/files/code/server.pl"
check "and answers" curl -fsS "http://127.0.0.1:$("$REHEARSE" box show "$BOX" --json | jq -r '.services[0].port')/list"

check "a run is stopped in its second run" killed TERM "$T/stopped" 130
check_has "it names what goes on" "$(cat "$T/stopped.out")" "--resume $T/stopped"
check_same "and says nothing of an unconfirmed one" "$(events "$T/stopped/journal.jsonl" replay.unconfirmed)" 0
check_same "the box is as restored" "$("$REHEARSE" box show "$BOX" --json | jq -r .state)" ready
check "without the new release" cmp "$T/prod/code/server.pl" "$BOX/files/code/server.pl"
mv "$TAPE" "$TAPE.begun" && head -c "$(($(stat -c %s "$TAPE.begun") - 1))" "$TAPE.begun" >"$TAPE"
check_status "with another tape it does not go on" 23 "$REHEARSE" run --resume "$T/stopped" "$T/release/release.yaml"
check_has "and that is said" "$(cat "$T/out")" "is another tape than the one that was replayed against the old release"
mv "$TAPE.begun" "$TAPE"
mv "$STORE" "$STORE.away" # what is restored is restored
check_status "it goes on" 1 "$REHEARSE" run --resume "$T/stopped" "$T/release/release.yaml"
check_same "its report still knows the bundle" "$(grep -c "<td>bundle</td>" "$T/stopped/report.html")" 1
mv "$STORE.away" "$STORE"
check_same "and names the endpoint once" "$(slower "$T/stopped" | wc -l)" 1
e2e_end
