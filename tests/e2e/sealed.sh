#!/bin/bash
# Encrypted and signed bundles: the store shows nothing of what was captured, recipients alone read
# it, signatures are asked for where the environment says so, and recipients can change.
. "$(dirname "$0")/lib.sh"
e2e_begin sealed
unset REHEARSE_KEY REHEARSE_TRUSTED

STORE=$T/store
ENV=$T/env.yaml
MARK="customer-4711@example.test"

key() { # NAME [--signing]: makes $T/NAME.key, sets the variable NAME to the public key
    local name=$1
    shift
    "$REHEARSE" key make "$@" --out "$T/$name.key" >"$T/$name.pub" || die "no key: $(cat "$T/$name.pub")"
    printf -v "$name" %s "$(head -n 1 "$T/$name.pub")"
}
environment() { # LINE...: the file with these lines in 'bundle'
    printf 'name: sealed\nfiles:\n  - {name: code, path: %s}\n' "$T/tree" >"$ENV"
    [ $# -eq 0 ] || printf 'bundle:\n' >>"$ENV"
    printf '  %s\n' "$@" >>"$ENV"
    [ $# -gt 0 ] || sed -i '$d' "$ENV"
}
snapshot() { "$REHEARSE" snapshot --env "$ENV" --to "$STORE" "$@"; }
verify() { "$REHEARSE" bundle verify --store "$STORE" "$@"; }
restore() { # BOX [OPTIONS] TAG
    local box=$1
    shift
    E2E_BOXES+=("$box")
    "$REHEARSE" restore --from "$STORE" --into "$box" --no-pristine "$@"
}
found() { # TEXT STORE: whether it stands in any blob, as it is or decompressed
    local blob
    for blob in "$2"/blobs/sha256/* "$2/index.json"; do
        { cat "$blob"; zstd -dcq "$blob" 2>/dev/null; } | grep -qaF -e "$1" && return 0
    done
    return 1
}
not() { ! "$@"; }
manifest_of() { # TAG
    local digest
    digest=$(jq -r --arg t "$1" '.manifests[] |
        select(.annotations["org.opencontainers.image.ref.name"] == $t) | .digest' "$STORE/index.json")
    echo "$STORE/blobs/sha256/${digest#sha256:}"
}
# As docs/bundle-format.md says, with jq and openssl.
signature_holds() { # MANIFEST
    jq -jcS 'del(.annotations["io.rehearse.signature"]) |
        .layers |= map(select(.mediaType != "application/vnd.rehearse.keys.v1+json"))' "$1" >"$T/signed"
    jq -r '.annotations["io.rehearse.signature"]' "$1" | base64 -d >"$T/signature"
    { printf '302a300506032b6570032100' | xxd -r -p
      jq -r '.annotations["io.rehearse.signer"]' "$1" | cut -d: -f2 | base64 -d | head -c 32; } >"$T/signer.der"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$T/signer.der" -rawin -in "$T/signed" \
        -sigfile "$T/signature"
}

mkdir -p "$T/tree/sub-4711"
for ((i = 0; i < 200; i++)); do echo "$MARK line $i"; done >"$T/tree/sub-4711/customers"
head -c 9000000 /dev/urandom >"$T/tree/large"

# ---- keys ---------------------------------------------------------------------------------------
key QA
key SPARE
key STRANGER
key SIGNER --signing
key FORGER --signing
check_same "a key file is private" "$(stat -c %a "$T/QA.key")" 600
check_status "and never overwritten" 18 "$REHEARSE" key make --out "$T/QA.key"
check_same "its public key is shown again" "$("$REHEARSE" key show "$T/QA.key")" "$(cat "$T/QA.pub")"
cp "$T/QA.key" "$T/open.key" && chmod 644 "$T/open.key"
check_status "a key that others can read is refused" 14 "$REHEARSE" key show "$T/open.key"

# ---- encrypted ----------------------------------------------------------------------------------
environment "encrypt_to: [\"$QA\", \"$SPARE\"]" "sign_with: SIGNER.key" "require_signature: true" \
    "trusted: [\"$SIGNER\"]"
check "a snapshot with public keys alone" snapshot --tag one --journal "$T/journal"
for text in "$MARK" sub-4711 large; do
    check "'$text' is nowhere in the store" not found "$text" "$STORE"
done
check "it is listed without a key" "$REHEARSE" bundle ls --store "$STORE"
check "its hashes are checked without a key" verify --level 1 one
check_status "its content is not" 13 verify one
check_has "and the mend is named" "$(cat "$T/out")" "--key FILE"
check "with a key it is" verify --key "$T/QA.key" --env "$ENV" one
check "with the other recipient's, too" env REHEARSE_KEY="$T/SPARE.key" "$REHEARSE" bundle verify --store "$STORE" one
check_status "a restore needs a key" 13 restore "$T/none" one
check_status "of a recipient" 13 restore "$T/none" --key "$T/STRANGER.key" one
check_status "that reads" 11 restore "$T/none" --key "$T/SIGNER.key" one
check "nothing is left of these" test ! -e "$T/none"
check "a recipient restores" restore "$T/box" --key "$T/QA.key" --env "$ENV" one
check "what was captured" diff -r "$T/tree" "$T/box/files/code"
check "a second one is stored whole" snapshot --tag two
check "and is good" verify --key "$T/SPARE.key" two

# The search must be able to find something.
environment
check "a plain snapshot" "$REHEARSE" snapshot --env "$ENV" --to "$T/plain"
check "shows what it holds" found "$MARK" "$T/plain"
check "and the names" found sub-4711 "$T/plain"

# ---- signed -------------------------------------------------------------------------------------
environment "require_signature: true" "trusted: [\"$SIGNER\"]"
check "jq and openssl find the signature good" signature_holds "$(manifest_of one)"
check "an unsigned bundle is captured" snapshot --tag unsigned --parent none
check_status "it is refused where signatures are required" 13 restore "$T/none" --env "$ENV" unsigned
check_has "and told so" "$(cat "$T/out")" "is not signed"
check_status "by its own environment file as well" 13 restore "$T/none" unsigned
check_status "by verify, too" 13 verify --env "$ENV" --level 1 unsigned
check "who asks for no signature takes it" verify unsigned
environment "sign_with: FORGER.key"
check "somebody else signs" snapshot --tag forged --parent none
check_status "and is not trusted" 13 verify --trusted "$SIGNER" forged
check "but by those who do" verify --trusted "$SIGNER" --trusted "$FORGER" forged
environment "require_signature: true" "trusted: [\"$SIGNER\"]"
check_status "restore refuses it" 13 restore "$T/none" --env "$ENV" forged

# Who can write into the store gives a signed bundle another environment.
jq -cS '.annotations["io.rehearse.environment"] = "other"' "$(manifest_of one)" | tr -d '\n' >"$T/changed"
sum=$(sha256sum <"$T/changed" | cut -d' ' -f1)
cp "$T/changed" "$STORE/blobs/sha256/$sum"
jq -c --arg d "sha256:$sum" --argjson s "$(stat -c %s "$T/changed")" '.manifests += [{
    mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s,
    annotations: {"org.opencontainers.image.ref.name": "changed"}}]' "$STORE/index.json" >"$T/index" &&
    cp "$T/index" "$STORE/index.json"
check_status "an altered manifest is refused" 13 verify --level 1 --env "$ENV" changed
check_has "as altered" "$(cat "$T/out")" "does not hold"
check_status "and not restored" 13 restore "$T/none" --key "$T/QA.key" --env "$ENV" changed

if command -v skopeo >/dev/null; then
    check "skopeo copies an encrypted bundle" skopeo copy -q "oci:$STORE:one" "oci-archive:$T/x.tar"
    check "and back" skopeo copy -q "oci-archive:$T/x.tar" "oci:$T/copy:one"
    check "the copy is signed and opens" "$REHEARSE" bundle verify --store "$T/copy" --key "$T/QA.key" --env "$ENV" one
fi

# ---- damage -------------------------------------------------------------------------------------
pack=$(find "$STORE/blobs/sha256" -type f -printf '%s %f\n' | sort -rn | head -n 1 | cut -d' ' -f2)
cp "$STORE/blobs/sha256/$pack" "$T/pack"
printf '\125' | dd of="$STORE/blobs/sha256/$pack" bs=1 seek=2000000 conv=notrunc status=none
tagged=$("$REHEARSE" --json bundle ls --store "$STORE" | jq -r '.[].tags[]' | grep -E '^(one|two)$')
bad=$(for t in $tagged; do verify --level 1 "$t" >/dev/null 2>&1 || echo "$t"; done)
check_same "a flipped byte is found without a key" "$(echo "$bad" | wc -w)" 1
check_status "and with one" 16 verify --key "$T/QA.key" "$bad"
check_has "and what it breaks" "$(cat "$T/out")" "breaks files/code"
check_status "and is not restored" 16 restore "$T/bad" --key "$T/QA.key" "$bad"
cp "$T/pack" "$STORE/blobs/sha256/$pack"

# ---- other recipients ---------------------------------------------------------------------------
packs=$(jq -r '.layers[] | select(.mediaType | test("pack")) | .digest' "$(manifest_of one)")
cp "$(manifest_of one)" "$T/before"
check_status "who cannot read cannot rotate" 13 "$REHEARSE" key rotate --store "$STORE" \
    --key "$T/STRANGER.key" --to "$STRANGER" one
check "a recipient rotates" "$REHEARSE" key rotate --store "$STORE" --key "$T/QA.key" --to "$STRANGER" one two
check_status "the old key is refused" 13 verify --key "$T/QA.key" one
check "the new one reads" verify --key "$T/STRANGER.key" --env "$ENV" one two
check_same "the packs are the same" \
    "$(jq -r '.layers[] | select(.mediaType | test("pack")) | .digest' "$(manifest_of one)")" "$packs"
old=$(jq -r '.layers[-1].digest' "$T/before")
check "the old wrapped keys are gone" test ! -e "$STORE/blobs/sha256/${old#sha256:}"
check "the signature still holds" signature_holds "$(manifest_of one)"
check "the new one restores" restore "$T/box2" --key "$T/STRANGER.key" --env "$ENV" one
check "what was captured" diff -r "$T/tree" "$T/box2/files/code"

# ---- secrets ------------------------------------------------------------------------------------
check "no secret key is in a store, a journal or a box" not grep -rqaE 'rehearse1(sig)?sec:' \
    "$STORE" "$T/journal" "$T/box" "$T/box2"
environment "encrypt_to: [\"$(cat "$T/QA.key")\"]"
check_status "a secret key for a public one is refused" 11 snapshot
check "and not repeated" not grep -q rehearse1sec: "$T/out"
environment "encrypt_to: [\"${QA%?}x\"]"
check_status "a mistyped key is refused" 11 snapshot
environment "sign_with: QA.key"
check_status "a key that does not sign is refused" 11 snapshot
e2e_end
