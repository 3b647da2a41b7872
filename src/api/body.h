/* body.h - what the parsers of request bodies share: where an item is, and what is wrong in it. */
#ifndef API_BODY_H
#define API_BODY_H

#include "api/problem.h"
#include "base/arena.h"
#include "base/json_reader.h"
#include "base/money.h"
#include "model/asset.h"

/* Finds assets: the lane's in the server, a table in tests. */
struct asset_source {
    /* STATUS_NOT_FOUND. */
    enum status (*by_code)(void *context, struct str code, struct asset *out_asset);
    enum status (*by_id)(void *context, uint32_t id, struct asset *out_asset);
    void *context;
    struct asset last; /* the newest found: requests name the same asset again and again */
};

/* One body being read. Strings with escapes live in scratch until the next item. */
struct body {
    struct json_reader reader;
    struct arena *scratch;
    struct asset_source *assets;
    struct problem *problem; /* the first one stays */
    uint64_t line;           /* of a stream, from 1; else 0 */
};

enum { BODY_SCRATCH_SIZE = 4096 }; /* no item that is in order has longer escaped strings */

/* Over the whole text; assets and line are left empty. */
void body_init(struct body *body, struct str text, struct arena *scratch, struct problem *problem);

/* True: the text's first byte says that it is an array. */
bool body_is_array(struct str text);
/* For the place after it: returns false. */
bool body_empty_array(struct body *body);

/*
 * Each raises a problem at a place in the body, stops the reader, and returns false. name NULL:
 * the place is where reading stands; otherwise it is the member `name` of the object just read.
 * reason is static: the detail.
 */
bool body_fault(struct body *body, enum problem_code code, const char *name, const char *reason);
/* After the reader has failed by itself: its fault as a problem. */
bool body_reader_fault(struct body *body);
/* The same, where a value of another type was due: wanted, static, says which. */
bool body_expected(struct body *body, const char *wanted);

/* Values with rules of their own; false with the problem raised. */
bool body_id(struct body *body, struct uuid *out_id);
bool body_uint32(struct body *body, uint32_t *out_value);
bool body_asset(struct body *body, struct asset *out_asset);
bool body_date(struct body *body, struct business_date *out_date);

/*
 * text as an amount in asset, or "all" (MONEY_MAX), for the member "amount" of the object just
 * read. False: wrong_exponent (with the asset's as limit) or invalid_value.
 */
bool body_amount(struct body *body, struct str text, const struct asset *asset,
                 struct money *out_amount);

#endif
