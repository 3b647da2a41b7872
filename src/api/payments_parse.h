/* payments_parse.h - request bodies of payments and rates as the model's commands. */
#ifndef API_PAYMENTS_PARSE_H
#define API_PAYMENTS_PARSE_H

#include "api/body.h"
#include "model/admin.h"
#include "model/payment.h"

enum { PAYMENT_EXPIRES_S_MAX = 366 * 86400 };

/* What all of them need. */
struct payment_input {
    struct str text;
    struct asset_source *assets;
    struct arena *scratch;
    struct wall_time now; /* what expires_in_s counts from */
};

/*
 * Each fills the command but for its id, and checks it by the model's rules: payment_fault(),
 * admin_fault(). False: the problem is raised, with a JSON pointer.
 */
bool payment_create_parse(const struct payment_input *input, struct payment_command *out_command,
                          struct problem *out_problem) MUST_CHECK;
bool payment_capture_parse(const struct payment_input *input, struct payment_command *out_command,
                           struct problem *out_problem) MUST_CHECK;
bool payment_resolve_parse(const struct payment_input *input, struct payment_command *out_command,
                           struct problem *out_problem) MUST_CHECK;
/* Whose statement, of which day. */
struct settlement_request {
    char psp[PSP_NAME_SIZE];
    struct business_date day;
};
bool settlement_parse(struct str text, struct arena *scratch,
                      struct settlement_request *out_request, struct problem *out_problem)
    MUST_CHECK;

/* The decimal as a fraction: see model/rate.h. */
bool rate_set_parse(const struct payment_input *input, struct admin *out_admin,
                    struct problem *out_problem) MUST_CHECK;

#endif
