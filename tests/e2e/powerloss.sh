#!/bin/bash
# The power goes: after every call by which a command changes a store, the disk holds what was made
# durable, and of the rest nothing, or names without bytes, or any part. Whatever it holds, the store
# opens, all that is listed is whole, and what was listed before still is. What ended well is there.
# Every 23rd call (CRASH_STRIDE=1, make crash: each).
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin powerloss
# shellcheck source=tests/crash/cases.sh
. "$ROOT/tests/crash/cases.sh"
crash_need_build
crash_begin
power_losses

# The rules notice what they are for.
crash_reset first
rm -f "$T/calls" "$T/calls.data"
with_fault CRASH_LOG="$T/calls" do_first
grep -v '^sync .*/blobs/sha256' "$T/calls" >"$T/unordered" && mv "$T/calls.data" "$T/unordered.data"
check_status "a name that is not durable is noticed" 1 "$REPLAY" "$T/unordered" "$T/begin/first" "$STORES" rules
e2e_end
