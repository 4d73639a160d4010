/* README.txt of an exported bundle. */
#include "lib/bundle/export.h"
#include "lib/bundle/reader.h"

static const char sealed_text[] =
    "Its data are encrypted: 'rehearse bundle import' puts it into a store, and with the secret key\n"
    "'rehearse restore' and 'rehearse bundle show' read it. Without the key only the hashes can be\n"
    "checked: sha256sum -c SHA256SUMS\n";

static const char plain_text[] =
    "It can be restored without rehearse, with tar, sha256sum, zstd, psql and mariadb. The format is\n"
    "described in rehearse's docs/bundle-format.md. Below, type what is indented into bash, in the\n"
    "folder into which the tar was unpacked.\n"
    "\n"
    "1. Is all of it there?\n"
    "\n"
    "    sha256sum -c --quiet SHA256SUMS && echo whole\n"
    "\n"
    "2. What there is: streams.tsv has one line per stream: name, kind, columns, records, and the\n"
    "   statement that takes the rows of a table. segments.tsv says where they lie: stream, records,\n"
    "   file, offset, bytes; each segment is one zstd frame. Two functions read them:\n"
    "\n"
    "    tab=$(printf '\\t')\n"
    "    stream() { # NAME: its bytes\n"
    "        grep \"^$1$tab\" segments.tsv | while IFS=$tab read -r _ _ file offset bytes; do\n"
    "            tail -c +$((offset + 1)) \"$file\" | head -c \"$bytes\" | zstd -dcq\n"
    "        done\n"
    "    }\n"
    "    rows() { # NAME of a table: its rows as COPY text; a segment has column 1 of all rows first\n"
    "        local dir; dir=$(mktemp -d)\n"
    "        grep \"^$1$tab\" segments.tsv | while IFS=$tab read -r _ rows file offset bytes; do\n"
    "            tail -c +$((offset + 1)) \"$file\" | head -c \"$bytes\" | zstd -dcq |\n"
    "                split -a 4 -l \"$rows\" - \"$dir/c.\"\n"
    "            paste \"$dir\"/c.*; rm \"$dir\"/c.*\n"
    "        done\n"
    "        rmdir \"$dir\"\n"
    "    }\n"
    "    tables() { # COMPONENT: its tables that hold rows, with what takes them\n"
    "        grep \"^$1/\" streams.tsv | while IFS=$tab read -r name kind _ records statement; do\n"
    "            [ \"$kind\" = columns ] && [ \"$records\" -gt 0 ] && [ -n \"$statement\" ] &&\n"
    "                printf '%s\\t%b\\n' \"$name\" \"$statement\"\n"
    "        done\n"
    "    }\n"
    "\n"
    "   The dots in names of streams are matched by grep as any character, which does no harm where\n"
    "   no two names are that similar.\n"
    "\n"
    "3. Files, here the tree 'code' into a folder of that name:\n"
    "\n"
    "    mkdir code && { stream files/code; head -c 1024 /dev/zero; } | tar -xpf - -C code\n"
    "\n"
    "4. A PostgreSQL database, here the component 'postgresql.shop' of a database 'shop', as a\n"
    "   superuser on an empty server (roles come without passwords; one that is there is left):\n"
    "\n"
    "    db=postgresql.shop\n"
    "    stream $db/globals.sql | psql -X -d postgres\n"
    "    stream $db/database.sql | psql -X -d postgres\n"
    "    stream $db/pre-data.sql | psql -X -v ON_ERROR_STOP=1 -d shop\n"
    "    tables $db | while IFS=$tab read -r name statement; do\n"
    "        rows \"$name\" | psql -X -v ON_ERROR_STOP=1 -d shop -c \"$statement\"\n"
    "    done\n"
    "    stream $db/sequences.sql | psql -X -v ON_ERROR_STOP=1 -d shop\n"
    "    stream $db/post-data.sql | psql -X -v ON_ERROR_STOP=1 -d shop\n"
    "\n"
    "5. A MariaDB database, here the component 'mariadb.catalog', into an empty database 'catalog'.\n"
    "   accounts.sql and grants.sql are there only where accounts were captured:\n"
    "\n"
    "    db=mariadb.catalog\n"
    "    modes=\"SET SESSION foreign_key_checks = 0, unique_checks = 0, time_zone = '+00:00',\n"
    "        sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION'\n"
    "        /*M!100201 , check_constraint_checks = 0 */ /*M!101100 , system_versioning_insert_history = 1 */\"\n"
    "    options=\"--binary-mode --default-character-set=utf8mb4 --local-infile=1\"\n"
    "    stream $db/accounts.sql | mariadb $options mysql\n"
    "    stream $db/sequences.sql | mariadb $options --init-command=\"$modes\" catalog\n"
    "    stream $db/tables.sql | mariadb $options --init-command=\"$modes\" catalog\n"
    "    tables $db | while IFS=$tab read -r name statement; do\n"
    "        rows \"$name\" >rows\n"
    "        mariadb $options --init-command=\"$modes\" catalog -e \"$statement\"\n"
    "    done; rm -f rows\n"
    "    for part in routines views triggers events; do\n"
    "        stream $db/$part.sql | mariadb $options catalog\n"
    "    done\n"
    "    stream $db/grants.sql | mariadb $options mysql\n"
    "\n"
    "6. Facts about the host (packages, kernel, settings) are the streams facts/...; for example:\n"
    "\n"
    "    stream facts/packages\n";

bool export_readme(struct buf *out, const char *environment, const char *created,
                   const struct bundle *b, struct err *err)
{
    char hex[HASH_HEX];

    digest_hex(bundle_digest(b), hex);
    buf_printf(out,
               "A capture of the environment '%s', taken at %s by rehearse.\n"
               "It holds production's data: keep it as safe as production. The bundle is\n"
               "sha256:%s.\n\n",
               environment, created, hex);
    buf_puts(out, bundle_manifest(b)->sealed ? sealed_text : plain_text);
    return buf_ok(out, err);
}
