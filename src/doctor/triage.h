/* triage.h - the check-list of an incident's first 48 hours, for the parts that a ledger has. */
#ifndef DOCTOR_TRIAGE_H
#define DOCTOR_TRIAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Name, bit, code. */
#define TRIAGE_PART_TABLE(X)                                                                       \
    X(SERVER, 1, "server")                                                                         \
    X(DATABASE, 2, "database")                                                                     \
    X(PSPS, 4, "psps")                                                                             \
    X(KAFKA, 8, "kafka")                                                                           \
    X(CACHE, 16, "cache")                                                                          \
    X(LOG, 32, "log")                                                                              \
    X(WEBHOOKS, 64, "webhooks")                                                                    \
    X(PROJECTION, 128, "projection")

#define TRIAGE_PART_ENUM(name, bit, code) TRIAGE_##name = bit,
enum triage_part { TRIAGE_PART_TABLE(TRIAGE_PART_ENUM) };
#undef TRIAGE_PART_ENUM

struct triage_facts {
    uint32_t parts; /* enum triage_part bits: what the ledger has, as far as is known */
    const char *data;
    const char *bundle;
    const char *key;
};

/*
 * Contain, then save in the order in which things disappear (RFC 3227, section 2.1), then look,
 * repair, close. Steps for parts that the ledger does not have are left out.
 */
struct triage_step {
    const char *phase;
    const char *within; /* of the alarm */
    const char *takes;
    const char *who;
    const char *what;
    const char *why;
    const char *command; /* "%d" the data folder, "%b" the bundle, "%k" the key; NULL: by hand */
    uint32_t needs;      /* one of these parts; 0: always */
};

const struct triage_step *triage_steps(uint32_t *out_count);
bool triage_applies(const struct triage_facts *facts, const struct triage_step *step);

/* For a terminal; and one JSON array with a newline. What does not fit sets out's overflow. */
void triage_text(const struct triage_facts *facts, struct buf *out);
void triage_json(const struct triage_facts *facts, struct buf *out);

#endif
