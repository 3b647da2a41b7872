/* doctor_rules.h - the rules that a command of the doctor uses, and the running of their cases. */
#ifndef CMD_DOCTOR_RULES_H
#define CMD_DOCTOR_RULES_H

#include "base/buf.h"
#include "base/error.h"
#include "doctor/diagnose.h"
#include "doctor/rule.h"

/* On the heap, since it is large; doctor_rules_free() accepts NULL. */
struct doctor_rules {
    struct buf text; /* of a folder; empty when the rules are built in */
    struct rule_set set;
};

/* From a folder, or, when it is NULL, those built in. STATUS_INVALID, STATUS_NOT_FOUND, _LIMIT. */
enum status doctor_rules_load(const char *folder, struct doctor_rules **out_rules,
                              struct error *out_error) MUST_CHECK;
void doctor_rules_free(struct doctor_rules *rules);

/* The memory that one diagnosis may take. */
enum { DOCTOR_CASE_ARENA = 64 << 20 };

#endif
