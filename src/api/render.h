/* render.h - the pieces of JSON answers that several resources share. */
#ifndef API_RENDER_H
#define API_RENDER_H

#include "api/body.h"
#include "base/json_writer.h"
#include "model/account.h"
#include "model/transfer.h"
#include "wallet/history.h"

/* An answer being written. Amounts need their asset; stamps repeat, so the last is kept as text. */
struct render {
    struct json_writer json;
    struct asset_source *assets;
    struct wall_time stamp;
    char stamp_text[TIME_TEXT_SIZE];
    size_t stamp_len; /* 0: none yet */
};

void render_init(struct render *render, struct asset_source *assets, struct buf *out);
/* CHECKs that one value is whole; what did not fit is kept by the buf, and seen by its owner. */
void render_end(struct render *render);
/* A next value after a whole one: the lines of a stream. */
void render_next(struct render *render);

/* Each writes key and value. */
void render_text(struct render *render, struct str key, struct str value);
void render_name(struct render *render, struct str key, const char *value);
void render_number(struct render *render, struct str key, uint64_t value);
void render_bool(struct render *render, struct str key, bool value);
/* An API key's id, "system", "anonymous" or "local". */
void render_principal(struct render *render, struct str key, struct principal_id principal);
/* The names of the bits that are set; name gives NULL for a bit without one. */
void render_bits(struct render *render, struct str key, uint32_t bits,
                 const char *(*name)(unsigned bit));
/* Nothing without a trace. */
void render_trace(struct render *render, struct trace trace);
void render_uuid(struct render *render, struct str key, struct uuid id);
/* Leaves a nil id out. */
void render_reference(struct render *render, struct str key, struct uuid id);
void render_position(struct render *render, struct str key, struct position position);
void render_as_of(struct render *render, uint64_t batch);
void render_time(struct render *render, struct str key, struct wall_time time);
void render_date(struct render *render, struct str key, struct business_date date);
/* MONEY_MAX as "all". */
void render_amount(struct render *render, struct str key, struct money amount, uint32_t asset);
void render_asset(struct render *render, uint32_t asset);

/* {"debits_posted":..., "net":...}; kind: enum account_kind, which side net counts as positive. */
void render_balance(struct render *render, struct str key, const struct balance *balance,
                    uint32_t asset, uint16_t kind);
/* An account as it stands, as_of_batch 0: without. */
void render_account(struct render *render, const struct account_state *state, uint64_t as_of_batch);

/* What an entry needs beside itself; zeroed: nothing. */
struct render_entry_extra {
    const struct history_entry *closing; /* of a hold that was closed */
    bool closing_known;                  /* for a hold: closing NULL means that it is open */
    struct money reversed;               /* not nothing: say how much of it was reversed */
    struct account_id account;           /* not nil: say which side it was */
    const struct balance *balance;       /* not NULL: after it */
    uint16_t account_kind;
};
/* A transfer as the journal has it. */
void render_entry(struct render *render, const struct history_entry *entry,
                  const struct render_entry_extra *extra);

/* What a transfer came to (pending: another lane will decide): in JSON, and in the binary form documented in api/openapi.yaml. */
void render_transfer_result(struct render *render, const struct transfer_result *result,
                            bool pending);

struct transfer_record {
    struct transfer_id id;
    struct money amount;
    uint64_t batch;
    struct wall_time stamp;
    uint32_t index;
    uint32_t asset;
    uint8_t outcome;
    uint8_t repeated;
    uint8_t reserved[6];
};
_Static_assert(sizeof(struct transfer_record) == 64, "the binary wire form");
struct transfer_record transfer_record_of(const struct transfer_result *result);
struct transfer_result transfer_result_of(const struct transfer_record *record);

#endif
