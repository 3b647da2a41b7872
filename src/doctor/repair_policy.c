#include "doctor/repair_policy.h"

#include "base/check.h"
#include "base/decimal.h"

enum { ENTRIES_MAX = 100000, WORDS_MAX = 4 };

struct words {
    struct str list[WORDS_MAX];
    uint32_t count;
};

static void words_split(struct str line, struct words *out_words)
{
    out_words->count = 0;
    for (size_t at = 0; at < line.len;) {
        while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t')) at++;
        size_t from = at;
        while (at < line.len && line.data[at] != ' ' && line.data[at] != '\t') at++;
        if (at == from) return;
        if (out_words->count < WORDS_MAX)
            out_words->list[out_words->count] = (struct str){ line.data + from, at - from };
        out_words->count++;
    }
}

static bool number_read(struct str text, uint64_t least, uint64_t most, uint32_t *out_number)
{
    uint64_t number;
    if (decimal_parse(text, most, &number) != STATUS_OK || number < least) return false;
    *out_number = (uint32_t)number;
    return true;
}

/* Amounts of assets that are none of ISO 4217 are in whole minor units. */
static bool limit_read(struct str code, struct str amount, struct policy_limit *out_limit)
{
    const struct asset *iso = asset_iso_by_code(code);
    if (code.len < 3 || code.len > ASSET_CODE_LEN_MAX) return false;
    const struct signed_amount_form form = {
        .exponent = iso == NULL ? 0 : iso->exponent,
        .point = '.',
    };
    *out_limit = (struct policy_limit){ .approvals = 0 };
    memcpy(out_limit->ccy, code.data, code.len);
    return signed_amount_parse(amount, &form, &out_limit->amount) == STATUS_OK &&
           out_limit->amount.minor >= 0;
}

static const char said_twice[] = "it was said before: which of the two counts?";

/* Each returns NULL, or what is wrong. */
static const char *approver_read(struct str text, struct repair_policy *policy)
{
    if (policy->approver_count == POLICY_APPROVERS_MAX) return "more than 32 approvers";
    struct note_key *key = &policy->approvers[policy->approver_count];
    if (note_key_parse(text, key) != STATUS_OK || key->kind != NOTE_ED25519)
        return "it is no public key: see `tpwallet doctor key`";
    for (uint32_t i = 0; i < policy->approver_count; i++) {
        const struct note_key *other = &policy->approvers[i];
        bool same = memcmp(other->public.bytes, key->public.bytes, sizeof key->public.bytes) == 0;
        if (same || str_equal(note_key_name(other), note_key_name(key)))
            return "two approvers have one key or one name";
    }
    policy->approver_count++;
    return NULL;
}

static const char *approvals_read(const struct words *words, struct repair_policy *policy)
{
    uint32_t *target = str_equal(words->list[1], STR("CONFIRMED"))  ? &policy->confirmed
                       : str_equal(words->list[1], STR("PROBABLE")) ? &policy->probable
                                                                    : NULL;
    if (target == NULL) return "approvals are for CONFIRMED and PROBABLE: others get no plan";
    if (*target != 0) return said_twice;
    if (!number_read(words->list[2], POLICY_APPROVALS_MIN, POLICY_APPROVERS_MAX, target))
        return "a plan needs at least 2 approvals";
    return NULL;
}

static const char *limits_read(const struct words *words, bool over, struct repair_policy *policy)
{
    uint32_t *count = over ? &policy->over_count : &policy->total_count;
    struct policy_limit *limits = over ? policy->over : policy->total;
    if (*count == POLICY_LIMITS_MAX) return "more than 32 limits";
    struct policy_limit *limit = &limits[*count];
    if (!limit_read(words->list[1], words->list[2], limit)) return "it is no amount of an asset";
    for (uint32_t i = 0; i < *count; i++) {
        bool same = str_equal(str_from(limits[i].ccy), words->list[1]);
        if (same && (!over || signed_amount_compare(limits[i].amount, limit->amount) == 0))
            return said_twice;
    }
    if (over &&
        !number_read(words->list[3], POLICY_APPROVALS_MIN, POLICY_APPROVERS_MAX, &limit->approvals))
        return "a plan needs at least 2 approvals";
    *count += 1;
    return NULL;
}

static const char *line_read(const struct words *words, struct repair_policy *policy)
{
    struct str name = words->list[0];
    if (str_equal(name, STR("approver")) && words->count == 2)
        return approver_read(words->list[1], policy);
    if (str_equal(name, STR("approvals")) && words->count == 3)
        return approvals_read(words, policy);
    if (str_equal(name, STR("approvals_over")) && words->count == 4)
        return limits_read(words, true, policy);
    if (str_equal(name, STR("max_total")) && words->count == 3)
        return limits_read(words, false, policy);
    if (str_equal(name, STR("max_entries")) && words->count == 2)
        return policy->entries_max != 0 ? said_twice
               : number_read(words->list[1], 1, ENTRIES_MAX, &policy->entries_max)
                   ? NULL
                   : "it is no number from 1 to 100000";
    if (str_equal(name, STR("valid_hours")) && words->count == 2)
        return policy->valid_hours != 0 ? said_twice
               : number_read(words->list[1], 1, POLICY_HOURS_MAX, &policy->valid_hours)
                   ? NULL
                   : "it is no number of hours from 1 to 336";
    return "there is no such line";
}

static enum status too_few(struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "policy: fewer than two approvers");
    error_hint(out_error, "a line `approver KEY` for each, as `tpwallet doctor key` printed it");
    return STATUS_INVALID;
}

enum status repair_policy_parse(struct str text, struct repair_policy *out_policy,
                                struct error *out_error)
{
    struct repair_policy policy = { .approver_count = 0 };
    for (unsigned number = 1; text.len > 0; number++) {
        struct str line = text;
        if (!str_take_line(&text, &line)) text.len = 0;
        if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
        struct words words;
        words_split(line, &words);
        if (words.count == 0 || words.list[0].data[0] == '#') continue;
        const char *fault = line_read(&words, &policy);
        if (fault == NULL) continue;
        (void)error_set(out_error, STATUS_INVALID, "policy, line %u: %s", number, fault);
        error_hint(out_error,
                   "lines are approver KEY, approvals LABEL N, approvals_over CCY AMOUNT "
                   "N, max_total CCY AMOUNT, max_entries N, valid_hours N");
        return STATUS_INVALID;
    }
    if (policy.confirmed == 0) policy.confirmed = POLICY_APPROVALS_MIN;
    if (policy.entries_max == 0) policy.entries_max = 1000;
    if (policy.valid_hours == 0) policy.valid_hours = 24;
    if (policy.probable == 0) policy.probable = policy.confirmed + 1;
    if (policy.approver_count < POLICY_APPROVALS_MIN) return too_few(out_error);
    *out_policy = policy;
    return STATUS_OK;
}

const struct note_key *repair_policy_approver(const struct repair_policy *policy,
                                              const struct note_key *key)
{
    for (uint32_t i = 0; i < policy->approver_count; i++) {
        const struct note_key *approver = &policy->approvers[i];
        if (note_key_equal(approver, key)) return approver;
    }
    return NULL;
}
