#include "sim/naive_api.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_act.h"
#include "sim/naive_db.h"

#define NAIVE_OP_PATH(name, path) path,
static const char *const paths[] = { NAIVE_OP_TABLE(NAIVE_OP_PATH) };
#undef NAIVE_OP_PATH

const char *naive_host(const struct naive_world *world, const char *service, uint64_t key)
{
    static const char *const apis[] = { "api-1", "api-2", "api-3" };
    static const char *const hooks[] = { "hook-1", "hook-2" };
    int64_t at = naive_draw(world, service, key, 0, 5);
    return strcmp(service, "api") == 0 ? apis[at % 3] : hooks[at % 2];
}

void naive_span(struct naive_world *world, const char *trace, const char *service, const char *op,
                const char *edge)
{
    if (trace[0] == '\0') return;
    char span[NAIVE_TEXT_SIZE];
    char parent[NAIVE_TEXT_SIZE] = "";
    char link[NAIVE_TEXT_SIZE] = "";
    char own[NAIVE_TEXT_SIZE];
    uint32_t at = world->span_count++;
    memcpy(own, trace, strnlen(trace, NAIVE_TEXT_SIZE - 1) + 1);
    naive_id(world, "s", at, span);
    bool lost = edge != NULL && strstr(edge, "settle") != NULL && naive_broken(world, NAIVE_T01);
    if (lost) naive_id(world, "t", 900000 + at, own);
    if (edge != NULL && !lost) naive_text(parent, "p%.30s", trace);
    if (naive_broken(world, NAIVE_T02) && naive_chance(world, "t02", at, 2)) return;
    if (naive_chance(world, "sampled", at, 8)) return;
    EVIDENCE(world, SOURCE_TRACES, "span", S("ts", world->now_us), T("trace", own),
             T("service", service), T("span", span), T("parent", parent), T("edge", edge),
             T("link", link), T("op", op),
             N("duration_ns", naive_draw(world, "span", at, 200, 9000) * 1000));
}

/* ---- keys ---- */

static void key_note(struct naive_world *world, const struct naive_request *request, const char *op)
{
    bool replica = naive_broken(world, NAIVE_D06);
    bool expires = naive_broken(world, NAIVE_P02);
    EVIDENCE(world, SOURCE_API, "idem_key", S("ts", world->now_us), T("idem", request->key),
             T("op", op), T("fingerprint", request->fingerprint), T("scope", "customer"),
             T("served_by", replica && strcmp(op, "insert") != 0 ? "replica" : "primary"),
             N("ttl_ns", (expires ? NAIVE_HOUR : 7 * NAIVE_DAY) * 1000));
}

/* Whether the lookup of a key finds this entry. */
static bool is_seen(const struct naive_world *world, const struct naive_idem *idem)
{
    int64_t age_us = world->now_us - idem->written_us;
    if (idem->gone || idem->seen_us > world->now_us) return false;
    if (naive_broken(world, NAIVE_P02) && age_us > NAIVE_HOUR) return false;
    if (naive_broken(world, NAIVE_D06) && age_us < 6 * NAIVE_S) return false;
    if (naive_broken(world, NAIVE_D11) && age_us > 100 * NAIVE_MS) return false;
    if (naive_broken(world, NAIVE_N03) && !idem->done && age_us > 30 * NAIVE_S) return false;
    return true;
}

static uint32_t key_find(const struct naive_world *world, const char *key)
{
    for (uint32_t i = 0; i < world->idem_count; i++)
        if (strcmp(world->idems[i].key, key) == 0 && is_seen(world, &world->idems[i])) return i;
    return NAIVE_NONE;
}

static void key_insert(struct naive_world *world, struct naive_request *request)
{
    CHECK(world->idem_count < NAIVE_IDEMS_MAX);
    uint32_t at = world->idem_count++;
    struct naive_idem *idem = &world->idems[at];
    bool race = naive_broken(world, NAIVE_P04);
    *idem = (struct naive_idem){
        .written_us = world->now_us,
        .seen_us = world->now_us + (race ? 15 * NAIVE_MS : 0),
    };
    memcpy(idem->key, request->key, sizeof idem->key);
    memcpy(idem->fingerprint, request->fingerprint, sizeof idem->fingerprint);
    request->idem = at;
    key_note(world, request, "insert");
    bool lease = world->ops[request->op].kind == OP_TOPUP;
    if (lease)
        EVIDENCE(world, SOURCE_JOBS, "lease", S("ts", world->now_us), T("lease", request->key),
                 T("holder", naive_host(world, "api", request->op * 8 + request->attempt)),
                 S("until_ts", world->now_us + 30 * NAIVE_S), T("idem", request->key));
}

/* ---- answers ---- */

static void client_ask(struct naive_world *world, uint32_t op, uint32_t attempt);

void naive_api_answer(struct naive_world *world, uint32_t at, int64_t status, const char *tx)
{
    const struct naive_request *request = &world->requests[at];
    struct naive_op *op = &world->ops[request->op];
    bool lost = op->lost && request->attempt == 0 && status < 500;
    bool gone =
        op->slow && request->attempt == 0 && world->now_us - request->sent_us > 32 * NAIVE_S;
    bool reads = op->kind == OP_READ;
    bool deduped = request->idem == NAIVE_NONE && status < 409 && !reads;
    uint32_t payer = op->from != NAIVE_NONE ? op->from : op->to;
    const char *payee = op->to == NAIVE_NONE ? "" : world->accounts[op->to].id;
    op->acked = op->acked || status == 200 || status >= 500; /* or it may be done */
    if (request->idem != NAIVE_NONE) {
        struct naive_idem *idem = &world->idems[request->idem];
        idem->done = true;
        idem->status = status;
        naive_text(idem->tx, "%s", tx);
    }
    EVIDENCE(world, SOURCE_API, "request", S("ts", request->sent_us), S("done_ts", world->now_us),
             T("host", naive_host(world, "api", request->op * 8 + request->attempt)),
             T("method", reads ? "GET" : "POST"), T("path", paths[op->kind]),
             T("client", op->story), T("idem", request->key), T("body_hash", request->body),
             T("fingerprint", request->fingerprint), T("click", request->click),
             T("trace", request->trace), N("status", status),
             T("error", gone   ? "timeout"
                        : lost ? "reset"
                               : ""),
             T("tx", tx), T("account", payer == NAIVE_NONE ? "" : world->accounts[payer].id),
             A("amount", op->from != NAIVE_NONE ? -op->amount : op->amount),
             T("ccy", payer == NAIVE_NONE ? "" : naive_asset_codes[world->accounts[payer].asset]),
             B("deduped", deduped), T("payee", reads ? "" : payee));
    naive_span(world, request->trace, "api", paths[op->kind], NULL);
}

/* ---- a request ---- */

static void request_serve(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    struct naive_request *request = &world->requests[at];
    const struct naive_op *op = &world->ops[request->op];
    if (op->kind == OP_READ) {
        naive_act(world, at);
        return;
    }
    uint32_t found = key_find(world, request->key);
    if (found == NAIVE_NONE) {
        key_note(world, request, "miss");
        key_insert(world, request);
        naive_act(world, at);
        return;
    }
    const struct naive_idem *idem = &world->idems[found];
    bool same = strcmp(idem->fingerprint, request->fingerprint) == 0;
    key_note(world, request, same && idem->done ? "hit" : "conflict");
    if (!same)
        naive_api_answer(world, at, 422, "");
    else if (!idem->done)
        naive_api_answer(world, at, 409, "");
    else
        naive_api_answer(world, at, idem->status, idem->tx);
}

/* A token that nobody knows any more: refused before anything is looked up. */
static bool is_turned_away(struct naive_world *world, uint32_t at)
{
    const struct naive_request *request = &world->requests[at];
    bool old = naive_chance(world, "token", world->ops[request->op].from, 2);
    bool stale = naive_broken(world, NAIVE_K03) && old &&
                 world->now_us < world->since_us[NAIVE_K03] + 3 * NAIVE_HOUR;
    EVIDENCE(world, SOURCE_KEYS, "key_use", S("ts", world->now_us),
             T("host", naive_host(world, "api", request->op * 8 + request->attempt)),
             T("kid", old ? "jwt-7" : "jwt-8"), T("op", "verify"),
             T("result", stale ? "unknown_kid" : "ok"), T("trace", request->trace),
             T("origin", "gateway"));
    return stale;
}

static void client_ask(struct naive_world *world, uint32_t op_at, uint32_t attempt)
{
    struct naive_op *op = &world->ops[op_at];
    CHECK(world->request_total < NAIVE_REQUESTS_MAX);
    uint32_t at = world->request_total++;
    struct naive_request *request = &world->requests[at];
    *request = (struct naive_request){
        .op = op_at, .attempt = attempt, .idem = NAIVE_NONE, .sent_us = world->now_us
    };
    bool agent = attempt == 1 && op->agent;
    bool fresh = (naive_broken(world, NAIVE_P01) && attempt > 0) || agent;
    naive_id(world, "k", op_at * 16 + (fresh ? attempt : 0), request->key);
    naive_id(world, "b", op_at * 16 + (agent ? attempt : 0), request->body);
    bool drawn = naive_broken(world, NAIVE_P03);
    naive_id(world, "f", op_at * 16 + (drawn || agent ? attempt : 0), request->fingerprint);
    naive_id(world, "t", op_at * 16 + attempt, request->trace);
    naive_id(world, "c", op_at * 16 + (op->twice || agent ? attempt : 0), request->click);
    if (attempt == 0 && op->lost)
        naive_later(world, naive_draw(world, "again", op_at, 900, 2900) * NAIVE_MS, client_ask,
                    op_at, 2);
    if (attempt == 0 && op->late)
        naive_later(world, naive_draw(world, "late", op_at, 2, 9) * NAIVE_HOUR, client_ask, op_at,
                    3);
    if (attempt == 0 && op->slow) naive_later(world, 34 * NAIVE_S, client_ask, op_at, 4);
    if (is_turned_away(world, at)) {
        naive_api_answer(world, at, 401, "");
        return;
    }
    request_serve(world, at, 0);
}

void naive_clients_start(struct naive_world *world)
{
    for (uint32_t i = 0; i < world->op_count; i++) {
        const struct naive_op *op = &world->ops[i];
        if (op->kind == OP_DEPOSIT || op->kind == OP_JOB) continue;
        naive_at(world, op->at_us, client_ask, i, 0);
        int64_t apart_us = naive_draw(world, "apart", i, 800, 2500);
        if (op->twice || op->agent) naive_at(world, op->at_us + apart_us, client_ask, i, 1);
    }
}
