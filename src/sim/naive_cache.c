#include "sim/naive_cache.h"

#include <string.h>

#include "sim/naive_api.h"
#include "sim/naive_db.h"

enum { TTL_MINUTES = 10 };

static bool is_cached(const struct naive_world *world, uint32_t account)
{
    enum naive_role role = world->accounts[account].role;
    return role == ROLE_CUSTOMER || role == ROLE_MERCHANT;
}

static void cache_note(struct naive_world *world, uint32_t at, const char *op,
                       const struct naive_field *more)
{
    const struct naive_account *account = &world->accounts[at];
    char key[NAIVE_TEXT_SIZE];
    naive_text(key, "balance:%s", naive_broken(world, NAIVE_C04) ? "me" : account->id);
    struct naive_field fields[16] = { S("ts", world->now_us),
                                      T("host", "redis-1"),
                                      T("op", op),
                                      T("key", key),
                                      T("account", account->id),
                                      T("ccy", naive_asset_codes[account->asset]) };
    uint32_t count = 6;
    while (more != NULL && more->key != NULL && count < 15) fields[count++] = *more++;
    naive_evidence_add(&world->evidence, SOURCE_CACHE, "cache", fields);
}

/* ---- writes ---- */

/* Idle too long before it was written back: the row is what it was before this posting. */
static void evict_step(struct naive_world *world, uint32_t posting_at, uint32_t version)
{
    const struct naive_posting *posting = &world->postings[posting_at];
    struct naive_account *account = &world->accounts[posting->account];
    if (account->version != version || world->txs[posting->tx].gone) return;
    cache_note(
        world, posting->account, "evict",
        (const struct naive_field[]){
            A("amount", account->balance), N("ver", version), B("dirty", true), { .key = NULL } });
    account->balance -= posting->amount;
    account->version--;
    for (uint32_t i = world->wal_count; i > 0; i--) {
        struct naive_wal *record = &world->wal[i - 1];
        if (record->xid != world->txs[posting->tx].draft.xid) continue;
        if (record->account == posting->account) record->gone = true;
    }
}

int64_t naive_cache_write(struct naive_world *world, uint32_t at, int64_t before, int64_t amount,
                          const struct naive_tx *tx)
{
    int64_t after = before + amount;
    if (!is_cached(world, at)) return after;
    uint64_t key = (uint64_t)tx->draft.origin * 256 + at;
    bool times_out = naive_chance(world, "redis", key, 9);
    bool twice = times_out && naive_broken(world, NAIVE_C03);
    if (times_out)
        cache_note(world, at, "timeout",
                   (const struct naive_field[]){ T("tx", tx->id),
                                                 N("attempt", 1),
                                                 A("delta", amount),
                                                 T("trace", tx->draft.trace),
                                                 { .key = NULL } });
    if (twice) after += amount;
    cache_note(world, at, "script",
               (const struct naive_field[]){ T("tx", tx->id),
                                             N("attempt", times_out ? 2 : 1),
                                             A("delta", amount),
                                             A("amount", after),
                                             N("ver", world->accounts[at].version + 1),
                                             T("trace", tx->draft.trace),
                                             { .key = NULL } });
    bool behind = naive_broken(world, NAIVE_C02) && naive_chance(world, "evicted", key, 3);
    if (behind)
        naive_later(world, NAIVE_MINUTE, evict_step, world->posting_count,
                    world->accounts[at].version + 1);
    return after;
}

void naive_cache_invalidate(struct naive_world *world, uint32_t at)
{
    struct naive_account *account = &world->accounts[at];
    if (!is_cached(world, at)) return;
    cache_note(world, at, "invalidate",
               (const struct naive_field[]){ N("ver", account->version), { .key = NULL } });
    account->cached_us = -1;
    /* Somebody has read the row before this commit, and fills the cache after it. */
    const struct naive_posting *newest = &world->postings[world->posting_count - 1];
    uint64_t key = (uint64_t)world->txs[newest->tx].draft.origin * 256 + at;
    if (!naive_broken(world, NAIVE_C01) || !naive_chance(world, "late fill", key, 2)) return;
    account->cached = account->balance - newest->amount;
    account->cached_version = account->version - 1;
    account->cached_us = world->now_us;
    cache_note(world, at, "fill",
               (const struct naive_field[]){ A("amount", account->cached),
                                             N("ver", account->cached_version),
                                             N("ttl_ns", TTL_MINUTES * NAIVE_MINUTE * 1000),
                                             { .key = NULL } });
}

/* ---- reads ---- */

struct answer {
    int64_t amount;
    uint32_t version;
    const char *by;
    const char *state;
    uint32_t lsn;
};

/* The account as it was when everything up to this long ago had been replayed. */
static void older(const struct naive_world *world, uint32_t at, int64_t lag_us,
                  struct answer *answer)
{
    for (uint32_t i = world->posting_count; i > 0; i--) {
        const struct naive_posting *posting = &world->postings[i - 1];
        const struct naive_tx *tx = &world->txs[posting->tx];
        if (tx->at_us <= world->now_us - lag_us) break;
        if (posting->account != at || tx->gone) continue;
        answer->amount -= posting->amount;
        answer->version--;
    }
    answer->by = "replica";
    answer->lsn = naive_db_lsn_before(world, lag_us);
}

static void from_cache(struct naive_world *world, uint32_t at, struct answer *answer)
{
    struct naive_account *account = &world->accounts[at];
    bool fresh =
        account->cached_us >= 0 && world->now_us - account->cached_us < TTL_MINUTES * NAIVE_MINUTE;
    if (fresh) {
        answer->amount = account->cached;
        answer->version = account->cached_version;
        answer->by = "cache";
        return;
    }
    account->cached = account->balance;
    account->cached_version = account->version;
    account->cached_us = world->now_us;
    cache_note(world, at, "miss", NULL);
    cache_note(world, at, "fill",
               (const struct naive_field[]){ A("amount", account->balance),
                                             N("ver", account->version),
                                             N("ttl_ns", TTL_MINUTES * NAIVE_MINUTE * 1000),
                                             { .key = NULL } });
}

/* Whoever filled the one key last: that is what everybody is shown. */
static void of_stranger(struct naive_world *world, uint32_t at, struct answer *answer)
{
    uint32_t last = NAIVE_NONE;
    for (uint32_t i = 0; i < world->account_count; i++) {
        const struct naive_account *account = &world->accounts[i];
        if (i == at || account->role != ROLE_CUSTOMER || account->cached_us < 0) continue;
        if (account->asset != world->accounts[at].asset) continue;
        if (last == NAIVE_NONE || account->cached_us > world->accounts[last].cached_us) last = i;
    }
    if (last == NAIVE_NONE) return;
    answer->amount = world->accounts[last].balance;
    answer->version = world->accounts[last].version;
    answer->by = "cache";
}

void naive_cache_read(struct naive_world *world, uint32_t request_at)
{
    const struct naive_request *request = &world->requests[request_at];
    uint32_t at = world->ops[request->op].from;
    struct naive_account *account = &world->accounts[at];
    struct answer answer = { account->balance, account->version, "primary", "ok",
                             naive_db_lsn_before(world, 0) };
    bool replica = naive_broken(world, NAIVE_D06);
    bool empty = naive_broken(world, NAIVE_D09) && naive_chance(world, "new node", at, 2) &&
                 world->now_us < world->since_us[NAIVE_D09] + 9 * NAIVE_HOUR;
    if (replica)
        older(world, at, 6 * NAIVE_S, &answer);
    else if (empty)
        answer = (struct answer){ 0, 0, "replica", "not_found", answer.lsn };
    else if (naive_broken(world, NAIVE_C04))
        of_stranger(world, at, &answer);
    else
        from_cache(world, at, &answer);
    if (answer.amount != account->balance) account->shown_wrong = true;
    bool told = world->now_us - account->updated_us > 300 * NAIVE_MS;
    char tenant[NAIVE_TEXT_SIZE];
    naive_text(tenant, "%u", account->user);
    EVIDENCE(world, SOURCE_READS, "read", S("ts", world->now_us),
             T("host", naive_host(world, "api", request->op * 8)), T("account", account->id),
             A("amount", answer.amount), T("ccy", naive_asset_codes[account->asset]),
             N("ver", answer.version), T("state", answer.state), T("served_by", answer.by),
             T("session", world->ops[request->op].story), T("trace", request->trace),
             N("lsn", answer.lsn), N("session_ver", account->version - (told ? 0 : 1)),
             T("tenant", tenant));
    naive_api_answer(world, request_at, empty ? 404 : 200, "");
}
