/* problem.h - what is wrong with a call, as RFC 9457 problem details. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/time.h"
#include "model/id.h"

#include "api/routes.inc"

/* The codes of api/openapi.yaml; outcomes of the ledger have codes of their own beside these. */
#define PROBLEM_ENUM(name, code, status, title) PROBLEM_##name,
enum problem_code { PROBLEM_TABLE(PROBLEM_ENUM) PROBLEM_COUNT };
#undef PROBLEM_ENUM

enum { PROBLEM_TEXT_SIZE = 192 };

/*
 * Zero code: nothing is wrong; the other members count only when it is set. Texts that do not
 * fit are cut, field is left out instead. detail and field may quote the request; never a secret.
 */
struct problem {
    const char *code;  /* static; NULL: no problem */
    const char *title; /* static */
    const char *hint;  /* static; NULL: none */
    uint32_t status;
    uint32_t retry_after_s; /* 0: no header */
    uint64_t line;          /* of a stream, from 1; 0: none */
    uint64_t limit;         /* when has_limit */
    bool has_limit;
    bool has_result; /* id, position, at and repeated of what was refused */
    bool has_id;
    bool repeated;
    struct uuid id;
    struct position position;
    struct wall_time at;
    char detail[PROBLEM_TEXT_SIZE];
    char field[PROBLEM_TEXT_SIZE];
};

static inline bool problem_is_set(const struct problem *problem)
{
    return problem->code != NULL;
}

/* Sets code, title, status and Retry-After of the table, clears the rest; returns false, so that
 * a parser can `return problem_raise(...)`. hint is static or NULL. */
bool problem_raise(struct problem *problem, enum problem_code code, const char *hint);

/* The same for the refusal of a transfer, an account or an administrative act: static texts. */
void problem_refuse(struct problem *problem, unsigned status, const char *code, const char *title);

/* Add to the problem just raised. */
void problem_detail(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void problem_field(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void problem_limit(struct problem *problem, uint64_t limit);

/* The code with this text; PROBLEM_COUNT when there is none. */
enum problem_code problem_find(struct str code);
unsigned problem_status(enum problem_code code);

/* Appends the JSON of the whole problem. trace may be zero. */
void problem_write(const struct problem *problem, struct trace trace, struct buf *out_json);

#endif
