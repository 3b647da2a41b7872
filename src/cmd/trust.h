/* trust.h - whom a verifying command believes: the options --key, --witnesses and --quorum. */
#ifndef CMD_TRUST_H
#define CMD_TRUST_H

#include "cmd/invocation.h"
#include "tlog/proof.h"

enum { TRUST_WITNESSES_MAX = 16 };

/* Stays where it was parsed: proof points into it. */
struct trust {
    struct note_key log;
    struct note_key witnesses[TRUST_WITNESSES_MAX];
    struct proof_trust proof;
};

/* For the list of options of such a command. */
#define TRUST_OPTIONS                                                                              \
    { "key", "KEY", "the log's public key, from somebody you trust (`tpwallet log key`)", NULL },  \
        { "witnesses", "KEYS", "public keys of witnesses, with commas between", NULL },            \
    {                                                                                              \
        "quorum", "COUNT", "so many of them must have cosigned; all of them without it", NULL      \
    }

/* STATUS_INVALID, with what is wrong. */
enum status trust_parse(const struct invocation *invocation, struct trust *out_trust,
                        struct error *out_error) MUST_CHECK;

#endif
