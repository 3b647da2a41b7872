/* registry.h - the small tables of a ledger: custom assets, API keys, rates, raises, the closed period. */
#ifndef LEDGER_REGISTRY_H
#define LEDGER_REGISTRY_H

#include "base/buf.h"
#include "model/admin.h"
#include "model/record.h"

/*
 * Pure values, changed only by records; two registries that saw the same records are equal.
 * Bounded by ASSETS_CUSTOM_MAX, CREDENTIALS_MAX, RATES_MAX and RAISES_MAX. One task at a time.
 */
struct registry {
    struct asset *assets; /* custom ones, in order of making: id ASSET_CUSTOM_FIRST + index */
    uint32_t asset_count;
    struct credential *credentials;
    uint32_t credential_count;
    struct rate *rates;
    uint32_t rate_count;             /* withdrawn ones too */
    struct raise raises[RAISES_MAX]; /* in order of raising */
    uint32_t raise_count;            /* ended ones too, until the next is raised or lowered */
    struct business_date closed_through;
};

/* STATUS_LIMIT when memory is lacking. */
enum status registry_init(struct registry *registry) MUST_CHECK;
void registry_free(struct registry *registry);
void registry_reset(struct registry *registry);

/* Whether one that was made can be so: its decimals, and a code that ends. */
bool registry_asset_is_valid(const struct record_asset *record);
/* ISO 4217 and custom assets alike; NULL when there is none. */
const struct asset *registry_asset_by_code(const struct registry *registry, struct str code);
const struct asset *registry_asset_by_id(const struct registry *registry, uint32_t id);
/* Live keys only, in constant time per key; NULL when there is none. */
const struct credential *registry_credential_by_digest(const struct registry *registry,
                                                       const struct digest *secret_digest);
const struct credential *registry_credential_by_id(const struct registry *registry,
                                                   struct principal_id id);

/* What a pair is exchanged at; NULL when it is not. */
const struct rate *registry_rate(const struct registry *registry, uint32_t asset,
                                 uint32_t counter_asset);

/* Whether a raise with this id has not ended at a time. */
bool registry_raised(const struct registry *registry, struct uuid id, struct wall_time at);
/* Whether one with this id finds room then: among those that have not ended, or in its own place. */
bool registry_raise_has_room(const struct registry *registry, struct uuid id, struct wall_time at);

/* Whether the record is of a kind that the registry is made of. */
bool registry_keeps(const struct record_head *record);
/*
 * Whether an OK record of such a kind can follow on what the registry holds: for records that were
 * read back, which may be damaged. The stamp is its batch's.
 */
bool registry_record_fits(const struct registry *registry, const struct record_head *record,
                          struct wall_time stamp);
/* What such a record says; it must fit and its outcome be OK. */
void registry_apply(struct registry *registry, const struct record_head *record,
                    struct wall_time stamp);

/* The whole as bytes, and back. Load: STATUS_CORRUPT when they are no such copy. */
void registry_save(const struct registry *registry, struct buf *out_bytes);
enum status registry_load(struct registry *registry, struct str bytes) MUST_CHECK;

#endif
