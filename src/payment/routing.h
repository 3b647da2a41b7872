/* routing.h - which PSP is to carry out a payment: by rule, cost, success and health. */
#ifndef PAYMENT_ROUTING_H
#define PAYMENT_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/money.h"
#include "base/status.h"
#include "base/str.h"
#include "model/psp.h"

/*
 * Asked when a payment is made; what it answers is written into the payment, and never changed
 * while a step of it is in doubt.
 *
 * Configuration is text, a line each; '#' begins a comment; words are separated by blanks:
 *
 *     psp NAME                          a PSP that rules may name
 *     cost NAME ASSET BASIS_POINTS [FIXED]
 *                                       FIXED in major units; ASSET '*': of all others, no FIXED
 *     rule [operation=OPERATION] [asset=CODE] [amount=FROM..TO] [method=PREFIX]
 *          psps=NAME,NAME [by=order|cost|success] [success_min=PER_MILLE]
 *
 * (a rule stands in one line). The first rule that matches decides. FROM and TO are in major
 * units, both included, either may be left out; amount needs asset. Of the rule's PSPs those that
 * can do the operation are compared: first those whose breaker is not open, then those whose
 * success is at least success_min, then by what `by` says (order: as written, the default; cost:
 * the lowest, unknown ones last; success: the highest), then by order.
 */
enum {
    ROUTING_PSPS_MAX = 16,
    ROUTING_COSTS_MAX = 256,
    ROUTING_RULES_MAX = 128,
    ROUTING_LINE_SIZE_MAX = 512,
    ROUTING_TEXT_SIZE_MAX = 64 << 10,
    ROUTING_BASIS_POINTS_MAX = 10000,
};

enum routing_criterion { ROUTING_BY_ORDER, ROUTING_BY_COST, ROUTING_BY_SUCCESS };

struct routing_cost {
    uint32_t psp;
    uint32_t asset; /* 0: all others */
    uint32_t basis_points;
    struct money fixed;
};

struct routing_rule {
    uint32_t line;
    uint32_t asset;    /* 0: any */
    uint8_t operation; /* 0: any */
    uint8_t by;        /* enum routing_criterion */
    uint16_t success_min;
    struct money from;
    struct money to;
    uint32_t psp_count;
    uint8_t psps[ROUTING_PSPS_MAX];
    char method[PSP_TOKEN_SIZE]; /* a prefix; "": any */
};

struct routing {
    uint32_t psp_count;
    uint32_t cost_count;
    uint32_t rule_count;
    char psps[ROUTING_PSPS_MAX][PSP_NAME_SIZE];
    struct routing_cost costs[ROUTING_COSTS_MAX];
    struct routing_rule rules[ROUTING_RULES_MAX];
};

/* STATUS_INVALID or STATUS_LIMIT; out_error says "line 7: …". A rule must be there. */
enum status routing_parse(struct str text, struct routing *out_routing, struct error *out_error)
    MUST_CHECK;

struct routing_ask {
    uint8_t operation; /* enum psp_operation: CHARGE, AUTHORISE or PAY_OUT */
    uint32_t asset;
    struct money amount;
    struct str method;
};

/* Of the PSP with the same place in routing->psps. */
struct routing_health {
    uint32_t operations;        /* as in psp_traits; 0: there is no such PSP */
    bool open;                  /* its breaker lets nothing through */
    uint32_t success_per_mille; /* of late */
};

/*
 * *out_psp is a place in routing->psps. STATUS_NOT_FOUND: no rule matches, or none of the rule's
 * PSPs can do it. That all breakers are open is no reason to refuse: the payment can wait.
 */
enum status routing_choose(const struct routing *routing, const struct routing_ask *ask,
                           const struct routing_health *health, uint32_t *out_psp) MUST_CHECK;

/* What the PSP takes for it, rounded up. False: it is not known, or passes 128 bits. */
bool routing_cost_of(const struct routing *routing, uint32_t psp, const struct routing_ask *ask,
                     struct money *out_cost);

#endif
