/* transfers_parse.h - the bodies of POST /v1/transfers: JSON, NDJSON and the binary form. */
#ifndef API_TRANSFERS_PARSE_H
#define API_TRANSFERS_PARSE_H

#include "api/body.h"
#include "model/transit.h"

/*
 * Where parsed transfers go. What is written is fit for the lane: each passes transfer_fault(),
 * linked groups end in the array and are at most LINKED_MAX long.
 */
struct transfer_list {
    struct transfer *transfers; /* the caller's, room for capacity */
    uint32_t capacity;
    uint32_t count;
    bool ids_missing; /* some have a nil id: the request needs an idempotency key */
};

/* How many transfers a JSON or NDJSON body of this size can hold, at most REQUEST_TRANSFERS_MAX. */
uint32_t transfers_capacity(size_t body_size);

/*
 * Each replaces what is in out_list. False: the problem is raised, nothing in the list counts.
 * scratch is reset for each item and holds BODY_SCRATCH_SIZE or more.
 */
bool transfers_parse_json(struct str text, struct asset_source *assets, struct arena *scratch,
                          struct transfer_list *out_list, struct problem *out_problem) MUST_CHECK;
/* A transfer a line; empty lines are skipped, the last needs no line feed. Ids are required. */
bool transfers_parse_ndjson(struct str text, struct asset_source *assets, struct arena *scratch,
                            struct transfer_list *out_list, struct problem *out_problem) MUST_CHECK;
/* Records as in model/transfer.h, of any alignment. Ids are required. */
bool transfers_parse_binary(struct str bytes, struct transfer_list *out_list,
                            struct problem *out_problem) MUST_CHECK;
/* The same of what arrives in this lane of so many from others (model/transit.h). */
bool transfers_parse_arrivals(struct str bytes, uint32_t lane, uint32_t lanes,
                              struct transfer_list *out_list, struct problem *out_problem)
    MUST_CHECK;

#endif
