#define _GNU_SOURCE /* memmem() */
#include "cmd/doctor_balances.h"

#include <string.h>

#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/answer.h"
#include "cmd/session.h"
#include "payment/chart.h"

enum { ANSWER_SIZE = 16 << 20 };

enum status doctor_balances_open(struct doctor_balances *balances, uint64_t accounts_max,
                                 struct error *out_error)
{
    uint64_t seed = 0;
    entropy_fill(system_entropy(), &seed, sizeof seed);
    memset(balances, 0, sizeof *balances);
    balances->accounts_max = accounts_max;
    balances->accounts = reserve_new(accounts_max * sizeof *balances->accounts);
    enum status status = balances->accounts == NULL ? STATUS_LIMIT : STATUS_OK;
    if (status == STATUS_OK)
        status = id_map_init(&balances->places, balances->accounts, sizeof *balances->accounts,
                             accounts_max, seed);
    return status == STATUS_OK ? status : error_set(out_error, status, "no memory");
}

void doctor_balances_close(struct doctor_balances *balances)
{
    id_map_free(&balances->places);
    reserve_free(balances->accounts, balances->accounts_max * sizeof *balances->accounts);
    balances->accounts = NULL;
}

/* NULL: there are too many. */
static struct doctor_balance *account_of(struct doctor_balances *balances, struct uuid id)
{
    uint32_t place = id_map_find(&balances->places, id);
    if (place != ID_MAP_NONE) return &balances->accounts[place];
    if (balances->places.count == balances->accounts_max) return NULL;
    place = (uint32_t)balances->places.count;
    balances->accounts[place].id = id;
    id_map_insert(&balances->places, place);
    return &balances->accounts[place];
}

static enum status too_many(const struct doctor_balances *balances, struct error *out_error)
{
    (void)error_set(out_error, STATUS_LIMIT, "the ledger has more than %llu accounts by now",
                    (unsigned long long)balances->accounts_max);
    error_hint(out_error, "collect it again: they have become many meanwhile");
    return STATUS_LIMIT;
}

/* ---- what the ledger states ---- */

/* The codes of custom assets are few: a list of them. False: there are more than there may be. */
static bool asset_of(struct doctor_balances *balances, struct str code, uint32_t *out_asset)
{
    const struct asset *iso = asset_iso_by_code(code);
    uint32_t place = 0;
    if (iso != NULL) {
        *out_asset = iso->id;
        return true;
    }
    while (place < balances->code_count && !str_equal(code, str_from(balances->codes[place])))
        place++;
    if (place == ASSETS_CUSTOM_MAX || code.len > ASSET_CODE_LEN_MAX) return false;
    if (place == balances->code_count) {
        memcpy(balances->codes[place], code.data, code.len);
        balances->code_count++;
    }
    *out_asset = ASSET_CUSTOM_FIRST + place;
    return true;
}

static const char *account_type(struct uuid id, struct str code, struct str kind)
{
    static const struct {
        enum chart_role role;
        const char *type;
    } roles[] = { { CHART_BANK, "bank" },         { CHART_FEES, "fee" },
                  { CHART_ROUNDING, "rounding" }, { CHART_POSITION, "fx" },
                  { CHART_SUSPENSE, "suspense" }, { CHART_LOSS, "loss" } };
    const struct asset *iso = asset_iso_by_code(code);
    for (size_t i = 0; iso != NULL && i < sizeof roles / sizeof roles[0]; i++)
        if (chart_account_is((struct account_id){ id }, iso->id, roles[i].role, ""))
            return roles[i].type;
    return str_equal(kind, STR("liability")) ? "customer" : "clearing";
}

/* Major units without the point are minor units: the API writes all decimals. */
static bool minor_read(struct str text, struct signed_amount *out_amount)
{
    char digits[MONEY_TEXT_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof digits; i++)
        if (text.data[i] != '.') digits[len++] = text.data[i];
    const struct signed_amount_form form = { .point = '.', .minor = true };
    return signed_amount_parse((struct str){ digits, len }, &form, out_amount) == STATUS_OK;
}

static bool account_take(void *owner, const struct answer_object *item)
{
    struct doctor_balances *balances = owner;
    struct uuid id;
    uint32_t asset;
    struct signed_amount credits, debits, net;
    struct str code = answer_text(item, "asset");
    struct str flags = answer_text(item, "flags");
    bool read = uuid_parse(answer_text(item, "id"), &id) == STATUS_OK &&
                minor_read(answer_text(item, "balance.credits_posted"), &credits) &&
                minor_read(answer_text(item, "balance.debits_posted"), &debits) &&
                signed_amount_subtract(credits, debits, &net) && asset_of(balances, code, &asset);
    if (!read) {
        balances->rejected++;
        return true;
    }
    struct doctor_balance *account = account_of(balances, id);
    if (account == NULL) return false;
    account->stated = net.minor;
    account->asset = asset;
    account->type = account_type(id, code, answer_text(item, "kind"));
    account->unlimited =
        memmem(flags.data, flags.len, "debits_must_not_exceed_credits", 30) == NULL;
    return true;
}

static enum status page_read(struct doctor_balances *balances, struct session *session,
                             struct buf *next, struct buf *answer, struct error *out_error)
{
    BUF_SCOPE struct buf target;
    buf_init(&target, 4096);
    buf_append_format(&target, "/v1/accounts?limit=1000%s%s", next->len > 0 ? "&cursor=" : "",
                      buf_terminated(next));
    const struct session_request request = { .method = API_GET, .target = buf_view(&target) };
    unsigned http = 0;
    enum status status = session_call(session, &request, &http, answer, out_error);
    if (status != STATUS_OK) return status;
    if (http >= 300)
        return error_set(out_error, STATUS_UNAVAILABLE, "accounts cannot be listed: status %u",
                         http);
    struct answer_object rest;
    struct arena arena;
    const struct answer_list list = { "items", account_take, balances };
    status = arena_init(&arena, answer_arena_size(buf_view(answer)));
    if (status != STATUS_OK) return error_set(out_error, status, "no memory");
    buf_reset(next);
    status = answer_read_list(buf_view(answer), &list, &arena, &rest);
    if (status == STATUS_OK) buf_append_str(next, answer_text(&rest, "next"));
    arena_done(&arena);
    if (status != STATUS_OK)
        return error_set(out_error, status, "the list of accounts is not understood");
    bool room = balances->places.count < balances->accounts_max;
    return room ? STATUS_OK : too_many(balances, out_error);
}

enum status doctor_balances_ask(struct doctor_balances *balances, const char *folder, uint32_t lane,
                                struct error *out_error)
{
    struct session session;
    const struct session_options options = {
        .folder = folder, .read_only = true, .of_lane = true, .lane = lane
    };
    enum status status = session_open(&options, &session, out_error);
    if (status != STATUS_OK) return status;
    BUF_SCOPE struct buf next;
    BUF_SCOPE struct buf answer;
    buf_init(&next, 4096);
    buf_init(&answer, ANSWER_SIZE);
    do status = page_read(balances, &session, &next, &answer, out_error);
    while (status == STATUS_OK && next.len > 0);
    session_close(&session);
    return status;
}

/* ---- what the journal gives ---- */

/* Modulo 2^128: right for whatever fits, which is what the ledger can state. */
static int128 sum(int128 a, int128 b)
{
    return (int128)((uint128)a + (uint128)b);
}

static int128 total_of(const struct doctor_balance *account)
{
    return sum(sum(account->taken, account->left), account->after);
}

enum status doctor_balances_post(struct doctor_balances *balances,
                                 const struct doctor_posting *posting, uint64_t *out_version,
                                 struct error *out_error)
{
    struct doctor_balance *account = account_of(balances, posting->account);
    if (account == NULL) return too_many(balances, out_error);
    if (posting->late && total_of(account) == account->stated) account->agrees = true;
    int128 *part = posting->after   ? &account->after
                   : posting->taken ? &account->taken
                                    : &account->left;
    *part = sum(*part, posting->amount.minor);
    if (posting->taken) account->has_taken = true;
    if (!posting->taken && !posting->after && account->has_taken) account->gaps = true;
    *out_version = ++account->postings;
    return STATUS_OK;
}

static struct str code_of(const struct doctor_balances *balances, uint32_t asset)
{
    const struct asset *iso = asset_iso_by_id(asset);
    return str_from(iso != NULL ? iso->code : balances->codes[asset - ASSET_CUSTOM_FIRST]);
}

static void row_write(const struct doctor_balances *balances, const struct doctor_balance *account,
                      struct doctor_file *file)
{
    int128 total = total_of(account);
    int128 amount = sum(account->taken, account->left);
    if (!account->agrees) amount = sum(amount, sum(account->stated, -total));
    struct evidence_line line;
    evidence_begin(&line, &file->line, "account", &file->masked);
    evidence_uuid(&line, "account", account->id);
    evidence_text(&line, "ccy", code_of(balances, account->asset));
    if (account->left != 0)
        evidence_amount(&line, "opening", (struct signed_amount){ account->left });
    evidence_amount(&line, "amount", (struct signed_amount){ amount });
    evidence_word(&line, "type", account->type);
    evidence_bool(&line, "unlimited", account->unlimited);
    evidence_end(&line);
}

enum status doctor_balances_write(const struct doctor_balances *balances, bool all,
                                  struct doctor_file *file)
{
    enum status status = STATUS_OK;
    file->rejected += balances->rejected;
    for (uint64_t i = 0; status == STATUS_OK && i < balances->places.count; i++) {
        const struct doctor_balance *account = &balances->accounts[i];
        bool whole =
            !account->gaps || account->unlimited; /* else it would seem overdrawn between */
        if (account->type == NULL || !whole || !(all || account->has_taken)) continue;
        row_write(balances, account, file);
        status = doctor_file_rows(file, 1);
    }
    return status;
}
