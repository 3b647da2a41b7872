/* closure.h - what a plan breaks and what it leaves: the diagnosis after it beside the one before. */
#ifndef DOCTOR_CLOSURE_H
#define DOCTOR_CLOSURE_H

#include "base/json_writer.h"
#include "doctor/plan_make.h"

enum {
    CLOSURE_NAMED_MAX = 20,
    CLOSURE_TEXT_MAX = 200,                      /* of keys and accounts; longer ones are cut */
    CLOSURE_JSON_MAX = CLOSURE_NAMED_MAX * 5000, /* three such texts, each byte escaped */
};

/*
 * Both are of the same ledger beside the same other evidence, by the rules that the plan was made
 * by; of `after` the plan was carried out. STATUS_CONFLICT: it breaks what held, or not all was
 * looked at; the error names the first. STATUS_LIMIT.
 */
enum status closure_check(const struct plan_diagnosis *before, const struct plan_diagnosis *after,
                          struct arena *arena, struct error *out_error) MUST_CHECK;

/* How much is still wrong: violations that nothing explains, and accounts that are not right. */
uint32_t closure_left(const struct plan_diagnosis *after);
/* The first of these, as one short text: "I24 ch1 is not explained", "w1 EUR -500 (P01)". CHECKs that
 * there is one. */
void closure_first(const struct plan_diagnosis *after, struct buf *out);
/* An array of the first CLOSURE_NAMED_MAX, as objects, of CLOSURE_JSON_MAX bytes at most. */
void closure_json(const struct plan_diagnosis *after, struct json_writer *writer);

#endif
