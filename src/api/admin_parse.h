/* admin_parse.h - the small bodies: assets, periods, API keys, repairs. */
#ifndef API_ADMIN_PARSE_H
#define API_ADMIN_PARSE_H

#include "api/body.h"
#include "model/admin.h"

/* Each fills its part of out_admin, and its kind. False: the problem is raised. */
bool asset_create_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                        struct problem *out_problem) MUST_CHECK;
bool period_close_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                        struct problem *out_problem) MUST_CHECK;
/* Name and scopes; the digest is the caller's to add. */
bool key_create_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                      struct problem *out_problem) MUST_CHECK;

/* A notice of a repair: the SHA-256 of its plan, in hex. */
bool repair_note_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                       struct problem *out_problem) MUST_CHECK;

#endif
