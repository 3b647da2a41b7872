#include "sim/naive_ops.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "sim/naive_act.h"
#include "sim/naive_db.h"
#include "sim/naive_hooks.h"

static const char *const hosts[NAIVE_HOSTS] = { "api-1",  "api-2",    "api-3",    "hook-1",
                                                "hook-2", "settle-1", "settle-2", "sched-1" };

/* ---- routine ---- */

static void deploy_step(struct naive_world *world, uint32_t number, uint32_t argument)
{
    (void)argument;
    static const char *const services[] = { "api", "hooks", "ledger", "settle", "scheduler" };
    char version[NAIVE_TEXT_SIZE];
    naive_text(version, "2.%u.%lld", number, (long long)naive_draw(world, "patch", number, 0, 9));
    EVIDENCE(world, SOURCE_CHANGES, "deploy", S("ts", world->now_us),
             T("service", services[number % 5]), T("op", "deploy"), T("version", version),
             T("actor", "rel_ana"));
    EVIDENCE(world, SOURCE_AUDIT, "audit", S("ts", world->now_us), N("pos", ++world->audit_count),
             T("actor", "rel_ana"), T("act", "deploy"), B("hash_ok", true));
}

/* Each writer counts its lines; what a collector loses shows in the counts. */
static void log_step(struct naive_world *world, uint32_t host, uint32_t round)
{
    naive_later(world, 100 * NAIVE_MINUTE, log_step, host, round + 1);
    uint32_t number = ++world->log_lines[host];
    if (naive_broken(world, NAIVE_T02)) {
        if (world->now_us < world->since_us[NAIVE_T02] + 6 * NAIVE_HOUR && round % 3 != 0) {
            world->log_lost[host]++;
            return;
        }
    }
    EVIDENCE(world, SOURCE_LOGS, "log", S("ts", world->now_us), T("host", hosts[host]),
             T("writer", hosts[host]), N("pos", number), T("service", hosts[host]),
             T("level", "info"), T("code", "alive"), N("dropped", world->log_lost[host]));
    world->log_lost[host] = 0;
    if (round % 4 != 0) return;
    EVIDENCE(world, SOURCE_LOGS, "clock", S("ts", world->now_us), T("host", hosts[host]),
             N("offset_ns", naive_skew_us(world, hosts[host]) * 1000),
             N("error_ns", 5 * NAIVE_MS * 1000));
}

static void chunk_note(struct naive_world *world, uint32_t chunk, bool replica)
{
    uint64_t hash = 0;
    for (uint32_t i = chunk; i < world->account_count; i += 4) {
        const struct naive_account *account = &world->accounts[i];
        int64_t balance = account->balance - (replica ? account->missed : 0);
        hash = hash_fold(hash ^ (uint64_t)balance, i + 0x9E3779B97F4A7C15U);
    }
    char text[NAIVE_TEXT_SIZE];
    char name[NAIVE_TEXT_SIZE];
    naive_text(text, "%016llx", (unsigned long long)hash);
    naive_text(name, "account-%u", chunk);
    uint32_t lsn = naive_db_lsn_before(world, 0);
    EVIDENCE(world, SOURCE_REPLICA, "replica", S("ts", world->now_us),
             T("replica", replica ? "db-2" : "db-1"), N("lsn", lsn), N("primary_lsn", lsn),
             T("chunk", name), T("chunk_hash", text), T("role", replica ? "replica" : "primary"));
}

static void replica_step(struct naive_world *world, uint32_t round, uint32_t argument)
{
    (void)argument;
    naive_later(world, 3 * NAIVE_HOUR, replica_step, round + 1, 0);
    int64_t lag_us = naive_broken(world, NAIVE_D06) ? 6 * NAIVE_S : 30 * NAIVE_MS;
    EVIDENCE(world, SOURCE_REPLICA, "replica", S("ts", world->now_us), T("replica", "db-2"),
             N("lsn", naive_db_lsn_before(world, lag_us)),
             N("primary_lsn", naive_db_lsn_before(world, 0)), T("role", "replica"));
    for (uint32_t chunk = 0; round % 2 == 1 && chunk < 4; chunk++) {
        chunk_note(world, chunk, false);
        chunk_note(world, chunk, true);
    }
}

/* Reads the table of keys past its index, and by it. */
static void index_step(struct naive_world *world, uint32_t argument, uint32_t unused)
{
    (void)unused;
    naive_later(world, 11 * NAIVE_HOUR, index_step, argument, 0);
    uint32_t rows = 0;
    uint32_t duplicates = 0;
    for (uint32_t i = 0; i < world->idem_count; i++) {
        if (world->idems[i].gone) continue;
        rows++;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(world->idems[i].key, world->idems[j].key) == 0 && !world->idems[j].gone)
                duplicates++;
    }
    bool broken = naive_broken(world, NAIVE_D11);
    bool unique = !naive_broken(world, NAIVE_P04) && !naive_broken(world, NAIVE_P02);
    if (!unique && !broken) return; /* there is no such index */
    EVIDENCE(world, SOURCE_WAL, "index_check", S("ts", world->now_us), T("table_name", "idem_key"),
             T("index_name", "idem_key_unique"), N("seq_count", rows),
             N("index_count", broken ? rows - rows / 4 : rows),
             N("duplicates", broken ? duplicates : 0));
}

/* ---- keys ---- */

static void key_note(struct naive_world *world, const char *kid, const char *op, const char *use,
                     int64_t not_after_us)
{
    EVIDENCE(world, SOURCE_KEYS, "key_event", S("ts", world->now_us), T("kid", kid), T("op", op),
             T("use", use), S("not_after_ts", not_after_us), T("owner", "platform"));
}

static void key_step(struct naive_world *world, uint32_t which, uint32_t argument)
{
    (void)argument;
    switch (which) {
    case 0: key_note(world, "whsec-2", "rotate", "webhook", -1); return;
    case 1: /* tokens of it live three hours longer */
        if (naive_broken(world, NAIVE_K03))
            key_note(world, "jwt-7", "unpublish", "token",
                     world->since_us[NAIVE_K03] + 3 * NAIVE_HOUR);
        return;
    case 2: key_note(world, "jwt-7", "retire", "token", -1); return;
    case 3:
        if (naive_broken(world, NAIVE_K05))
            key_note(world, "dek-3", "destroy", "encrypt", -1);
        else
            key_note(world, "dek-3", "rewrap_done", "encrypt", -1);
        return;
    default: return;
    }
}

static void decrypt_step(struct naive_world *world, uint32_t number, uint32_t argument)
{
    (void)argument;
    naive_later(world, 70 * NAIVE_MINUTE, decrypt_step, number + 1, 0);
    bool old = number % 2 == 0;
    bool rotated = world->now_us > world->since_us[NAIVE_K05];
    bool lost = old && naive_broken(world, NAIVE_K05);
    const char *kid = old && (!rotated || lost) ? "dek-3" : "dek-4";
    EVIDENCE(world, SOURCE_KEYS, "key_use", S("ts", world->now_us), T("host", "api-1"),
             T("kid", kid), T("op", "decrypt"), T("result", lost ? "unknown_kid" : "ok"),
             S("written_ts", old ? 0 : NAIVE_HOUR), T("origin", "api"));
    EVIDENCE(world, SOURCE_KEYS, "key_use", S("ts", world->now_us), T("host", "10.0.4.2"),
             T("kid", "key_live_7"), T("op", "call"), T("result", "ok"), T("origin", "10.0.4.2"));
}

/* Whoever read the key in the log moves money with it. */
static void thief_step(struct naive_world *world, uint32_t number, uint32_t argument)
{
    (void)argument;
    if (!naive_broken(world, NAIVE_K06)) return;
    if (number == 0)
        EVIDENCE(world, SOURCE_KEYS, "secret_hit", S("ts", world->now_us - NAIVE_MINUTE),
                 T("kid", "key_live_7"), T("place", "log"));
    struct naive_draft draft = naive_draft_of(140000 + number, "transfer", "api");
    naive_id(world, "k", 140000 + number, draft.key);
    naive_id(world, "t", 140000 + number, draft.trace);
    int64_t amount = naive_draw(world, "theft", number, 40, 90) * 100;
    uint32_t from = naive_of_user(world, 2 + number, ASSET_EUR);
    draft.funds = true;
    naive_draft_leg(&draft, from, -amount);
    naive_draft_leg(&draft, naive_of_user(world, 10, ASSET_EUR), amount);
    EVIDENCE(world, SOURCE_KEYS, "key_use", S("ts", world->now_us), T("host", "203.0.113.9"),
             T("kid", "key_live_7"), T("op", "call"), T("result", "ok"), T("origin", "203.0.113.9"),
             T("trace", draft.trace), T("idem", draft.key));
    draft.number = naive_db_number(world);
    char tx[NAIVE_TEXT_SIZE];
    naive_text(tx, "%u", draft.number);
    EVIDENCE(world, SOURCE_API, "request", S("ts", world->now_us),
             S("done_ts", world->now_us + 9000), T("host", "api-2"), T("method", "POST"),
             T("path", "/v1/transfers"), T("client", "key_live_7"), T("idem", draft.key),
             T("trace", draft.trace), N("status", 200), T("account", world->accounts[from].id),
             A("amount", -amount), T("ccy", "EUR"), T("tx", tx),
             T("payee", world->accounts[naive_of_user(world, 10, ASSET_EUR)].id));
    naive_db_submit(world, &draft);
}

/* ---- what comes at one moment ---- */

static void promote_step(struct naive_world *world, uint32_t argument, uint32_t unused)
{
    (void)unused;
    if (!world->faults.broken[NAIVE_D08]) return;
    naive_db_turn_back(world, world->ops[argument].at_us - NAIVE_MS, "promote");
    EVIDENCE(world, SOURCE_CHANGES, "deploy", S("ts", world->now_us), T("service", "ledger-db"),
             T("op", "topology"), T("version", "failover"), T("actor", "patroni"));
}

static void trouble_step(struct naive_world *world, uint32_t fault, uint32_t argument)
{
    (void)argument;
    if (!world->faults.broken[fault]) return;
    if (fault == NAIVE_D12) {
        naive_db_turn_back(world, world->now_us - 100 * NAIVE_MINUTE, "restore");
        EVIDENCE(world, SOURCE_CHANGES, "deploy", S("ts", world->now_us), T("service", "ledger-db"),
                 T("op", "restore"), T("actor", "dba_kim"));
    }
    if (fault == NAIVE_D10) world->tx_next -= (uint32_t)naive_draw(world, "back", 0, 8, 14);
    if (fault == NAIVE_D14) {
        uint32_t at = NAIVE_NONE;
        for (uint32_t i = 0; i < world->tx_count; i++)
            if (strcmp(world->txs[i].draft.kind, "deposit") == 0 && !world->txs[i].gone) at = i;
        int64_t delta = naive_draw(world, "edit", 0, 20, 90) * 100;
        if (at != NAIVE_NONE) naive_db_edit(world, at, delta);
    }
    if (fault == NAIVE_D15) {
        uint32_t account =
            naive_of_user(world, (uint32_t)naive_draw(world, "xa", 0, 0, 8), ASSET_EUR);
        uint32_t xid = world->xid_next++;
        (void)naive_db_wal(world, "begin", xid);
        struct naive_wal *record = naive_db_wal(world, "prepare", xid);
        record->gid = "xa-payout-1";
        record->account = account;
        record->before = record->after = world->accounts[account].balance;
        world->accounts[account].locked_by = xid;
    }
}

static void topology_step(struct naive_world *world, uint32_t argument, uint32_t unused)
{
    (void)argument;
    (void)unused;
    EVIDENCE(world, SOURCE_CHANGES, "deploy", S("ts", world->now_us), T("service", "read-store"),
             T("op", "topology"), T("version", "6 nodes"), T("actor", "rel_ana"));
}

static void resend_step(struct naive_world *world, uint32_t argument, uint32_t unused)
{
    (void)argument;
    (void)unused;
    naive_hooks_resend(world, world->since_us[NAIVE_K04] - NAIVE_HOUR);
}

static void audit_step(struct naive_world *world, uint32_t number, uint32_t argument)
{
    (void)argument;
    bool edited = naive_broken(world, NAIVE_J01) && number == 5;
    EVIDENCE(world, SOURCE_AUDIT, "audit", S("ts", world->now_us), N("pos", ++world->audit_count),
             T("actor", "ops_lin"), T("act", "limit_change"), B("hash_ok", !edited));
}

/* Since before anybody looks; how far into the case is another question. */
static void start_moments(struct naive_world *world)
{
    for (uint32_t i = 0; i < world->op_count; i++) {
        const struct naive_op *op = &world->ops[i];
        bool rush = op->kind == OP_TRANSFER && i + 2 < world->op_count &&
                    world->ops[i + 1].at_us - op->at_us == 700;
        if (!rush) continue;
        naive_at(world, op->at_us + 400 * NAIVE_MS, promote_step, i, 0);
        break;
    }
    static const enum naive_fault sudden[] = { NAIVE_D10, NAIVE_D12, NAIVE_D14, NAIVE_D15 };
    for (uint32_t i = 0; i < sizeof sudden / sizeof sudden[0]; i++)
        naive_at(world, world->since_us[sudden[i]] + 2 * NAIVE_HOUR, trouble_step, sudden[i], 0);
}

void naive_ops_start(struct naive_world *world)
{
    for (uint32_t i = 0; i < 6; i++)
        naive_at(world, naive_draw(world, "deploy", i, 2, 50) * NAIVE_HOUR, deploy_step, i, 0);
    naive_at(world, NAIVE_DAY + 2 * NAIVE_HOUR - NAIVE_MINUTE, deploy_step, 4, 0);
    for (uint32_t i = 0; i < NAIVE_HOSTS; i++) naive_at(world, i * NAIVE_S, log_step, i, 0);
    naive_at(world, 3 * NAIVE_HOUR, replica_step, 0, 0);
    naive_at(world, 11 * NAIVE_HOUR, index_step, 0, 0);
    naive_at(world, world->since_us[NAIVE_K02], key_step, 0, 0);
    naive_at(world, world->since_us[NAIVE_K03], key_step, 1, 0);
    naive_at(world, world->since_us[NAIVE_K03] + 3 * NAIVE_HOUR, key_step, 2, 0);
    naive_at(world, world->since_us[NAIVE_K05], key_step, 3, 0);
    naive_at(world, NAIVE_HOUR, decrypt_step, 0, 0);
    naive_at(world, world->since_us[NAIVE_D09], topology_step, 0, 0);
    for (uint32_t i = 0; i < 3; i++)
        naive_at(world, world->since_us[NAIVE_K06] + (int64_t)i * 11 * NAIVE_MINUTE, thief_step, i,
                 0);
    for (uint32_t i = 0; i < 10; i++)
        naive_at(world, (12 + (int64_t)i * 4) * NAIVE_HOUR, audit_step, i, 0);
    world->evidence.hole_from_us = naive_draw(world, "hole", 0, 1801, 3003) * NAIVE_MINUTE + 7;
    world->evidence.hole_until_us = world->evidence.hole_from_us + NAIVE_HOUR;
    if (world->until_us[NAIVE_K04] < NAIVE_END)
        naive_at(world, world->until_us[NAIVE_K04] + 30 * NAIVE_MINUTE, resend_step, 0, 0);
    start_moments(world);
}

/* ---- as it stands at the end ---- */

static void config_note(struct naive_world *world, const char *name, int64_t value)
{
    char text[NAIVE_TEXT_SIZE];
    naive_text(text, "%lld", (long long)value);
    EVIDENCE(world, SOURCE_CHANGES, "config", S("ts", 0), T("name", name), T("value", text));
}

static void cert_note(struct naive_world *world, const char *role, int64_t since_us,
                      int64_t until_us)
{
    EVIDENCE(world, SOURCE_TLS, "cert", S("ts", NAIVE_END), T("endpoint", "hooks.wallet"),
             T("role", role), T("subject", role), S("not_before_ts", since_us),
             S("not_after_ts", until_us), B("served", true));
}

void naive_ops_dump(struct naive_world *world)
{
    bool ttl_short = world->faults.broken[NAIVE_P02];
    config_note(world, "idem.ttl_ns", (ttl_short ? NAIVE_HOUR : 7 * NAIVE_DAY) * 1000);
    config_note(world, "retry.horizon_ns", 12 * NAIVE_HOUR * 1000);
    config_note(world, "cache.ttl_ns", 10 * NAIVE_MINUTE * 1000);
    config_note(world, "hold.grace_ns", 2 * NAIVE_HOUR * 1000);
    config_note(world, "lock.ttl_ns", 30 * NAIVE_S * 1000);
    config_note(world, "webhook.sla_ns", NAIVE_HOUR * 1000);
    config_note(world, "transit.max_ns", 2 * NAIVE_HOUR * 1000);
    for (uint32_t i = 0; i < NAIVE_ASSETS; i++) {
        char name[NAIVE_TEXT_SIZE];
        naive_text(name, "exponent.%s", naive_asset_codes[i]);
        config_note(world, name, naive_asset_exponents[i]);
    }
    bool expired = world->faults.broken[NAIVE_K04];
    bool replaced = expired && world->until_us[NAIVE_K04] < NAIVE_END;
    cert_note(world, "leaf", 0, expired ? world->since_us[NAIVE_K04] : 60 * NAIVE_DAY);
    if (replaced) cert_note(world, "leaf", world->until_us[NAIVE_K04], 90 * NAIVE_DAY);
    cert_note(world, "intermediate", 0, 900 * NAIVE_DAY);
    cert_note(world, "root", 0, 3000 * NAIVE_DAY);
    for (int64_t at_us = 0; at_us < NAIVE_END; at_us += 6 * NAIVE_HOUR) {
        int64_t num;
        int64_t den;
        naive_rate(world, at_us, &num, &den);
        EVIDENCE(world, SOURCE_CHANGES, "rate", S("ts", at_us),
                 S("until_ts", at_us + 6 * NAIVE_HOUR), T("src_ccy", "EUR"), T("ccy", "USD"),
                 N("rate_num", num), N("rate_den", den));
    }
}
