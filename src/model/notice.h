/* notice.h - administrative acts that change nothing in the ledger, and the reason for one that does. */
#ifndef MODEL_NOTICE_H
#define MODEL_NOTICE_H

#include "base/str.h"
#include "crypto/digest.h"
#include "model/id.h"

/* Name, number in the journal (for ever), API code, what it says. */
#define NOTICE_TABLE(X)                                                                            \
    X(REASON, 1, "reason", "why the act before it in its unit was done")                           \
    X(ENDPOINT_CREATE, 2, "endpoint_create",                                                       \
      "a receiver of webhooks is made; its secret is shown")                                       \
    X(ENDPOINT_CHANGE, 3, "endpoint_change", "its address, filters or state are changed")          \
    X(ENDPOINT_ROTATE, 4, "endpoint_rotate", "it gets a new secret, which is shown")               \
    X(ENDPOINT_REMOVE, 5, "endpoint_remove", "it is removed")                                      \
    X(ENDPOINT_DISABLE, 6, "endpoint_disable", "it has failed for too long and is sent no more")   \
    X(SERVER_START, 7, "server_start", "a server starts, with the settings of its digest")         \
    X(RESTORE_ACCEPT, 8, "restore_accept", "a restored folder becomes the ledger")                 \
    X(ARCHIVE, 9, "archive", "old batches are moved into segments")                                \
    X(REPAIR, 10, "repair", "the entries of an approved plan, of its digest, are made")

#define NOTICE_ENUM(name, number, code, text) NOTICE_##name = number,
enum notice_kind { NOTICE_TABLE(NOTICE_ENUM) };
#undef NOTICE_ENUM

/* A static string; NULL for an unknown kind. */
const char *notice_code(unsigned kind);

/* In settings, of SERVER_START. Name, bit, API code. */
#define SETTING_TABLE(X)                                                                           \
    X(TLS, 1, "tls")                                                                               \
    X(CLIENT_CERTIFICATES, 2, "client_certificates")                                               \
    X(PLAIN, 4, "plain")                                                                           \
    X(ANONYMOUS, 8, "anonymous")                                                                   \
    X(PSPS, 16, "psps")                                                                            \
    X(WEBHOOKS_IN, 32, "webhooks_in")                                                              \
    X(LOG, 64, "log")

#define SETTING_ENUM(name, bit, code) SETTING_##name = bit,
enum setting { SETTING_TABLE(SETTING_ENUM) };
#undef SETTING_ENUM
enum { SETTINGS_ALL = 127 };

/* A static string; NULL for what is not one bit of the table. */
const char *setting_code(unsigned bit);

/*
 * A reason is a code or the number of a ticket, never a sentence: what the journal holds cannot be
 * erased (docs/decisions/014). 1 to REASON_LEN_MAX of A-Z, a-z, 0-9 and ._:#/-, a letter or digit
 * first. It is kept terminated and padded with zeroes.
 */
enum { REASON_LEN_MAX = 47, REASON_SIZE = REASON_LEN_MAX + 1 };
bool reason_is_valid(struct str reason);

struct notice {
    enum notice_kind kind;
    struct uuid subject;  /* the endpoint; nil: none */
    struct digest digest; /* SERVER_START, REPAIR: SHA-256 of settings or plan; else zero */
    uint32_t settings;    /* SERVER_START: enum setting bits */
};

/* NULL when it can be asked for; else what is wrong with *out_field. A reason alone cannot. */
const char *notice_fault(const struct notice *notice, const char **out_field);

#endif
