/* import_id.h - ids that an import gives: always the same for the same line or key. */
#ifndef CMD_IMPORT_ID_H
#define CMD_IMPORT_ID_H

#include "base/str.h"
#include "base/uuid.h"

/*
 * UUIDv8 (RFC 9562 section 5.8), made of SHA-256, so that a repeated import asks for what is
 * there already. Bits, first to last: 16 of IMPORT_PREFIX (below any UUIDv7 of this century's
 * second decade), 32 of the digest of the set, version, 40 of the line, the variant, and
 * digest: so the ids of one import are ordered by line and stand together in an index.
 */
enum { IMPORT_PREFIX_LINE = 0x0100, IMPORT_PREFIX_KEY = 0x0101 };

#define IMPORT_LINE_MAX ((UINT64_C(1) << 40) - 1)

/*
 * What is common to the ids of one import: its name and what the rows are ("transfer",
 * "account", "opening").
 */
struct import_set {
    struct str name;
    struct str kind;
};

/* line: 1 to IMPORT_LINE_MAX. A later line has a greater id. */
struct uuid import_line_id(const struct import_set *set, uint64_t line);

/*
 * For a key of another system ("216") within a namespace; kind keeps accounts ("account") and
 * references ("user_ref") apart.
 */
struct uuid import_key_id(const struct import_set *set, struct str key);

#endif
