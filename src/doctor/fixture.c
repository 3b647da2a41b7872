#include "doctor/fixture.h"

#include "base/check.h"
#include "base/time.h"
#include "doctor/record.h"
#include "model/evidence.h"

/* The time that fixtures play in. */
#define FIXTURE_FROM STR("2026-11-20T00:00:00Z")
#define FIXTURE_TO STR("2026-11-23T12:00:00Z")

static struct str take_word(struct str *rest)
{
    while (rest->len > 0 && rest->data[0] == ' ')
        *rest = (struct str){ rest->data + 1, rest->len - 1 };
    size_t len = 0;
    while (len < rest->len && rest->data[len] != ' ') len++;
    struct str word = { rest->data, len };
    *rest = (struct str){ rest->data + len, rest->len - len };
    return word;
}

static enum status fail(uint32_t line, const char *what, struct error *out_error)
{
    return error_set(out_error, STATUS_INVALID, "line %u: %s", line, what);
}

static bool read_sort(struct str word, enum fixture_sort *out_sort)
{
    if (str_equal(word, STR("positive"))) {
        *out_sort = FIXTURE_POSITIVE;
    } else if (str_equal(word, STR("lookalike"))) {
        *out_sort = FIXTURE_LOOKALIKE;
    } else if (str_equal(word, STR("missing"))) {
        *out_sort = FIXTURE_MISSING;
    } else {
        return false;
    }
    return true;
}

static bool read_label(struct str word, enum label *out_label)
{
    if (str_equal(word, STR("absent"))) {
        *out_label = LABEL_NONE;
        return true;
    }
    for (int i = LABEL_CONFIRMED; i < LABEL_COUNT; i++) {
        if (!str_equal(word, str_from(label_name((enum label)i)))) continue;
        *out_label = (enum label)i;
        return true;
    }
    return false;
}

static const char *read_lacks(struct fixture_case *fixture, struct str rest)
{
    for (struct str word = take_word(&rest); word.len > 0; word = take_word(&rest)) {
        int kind = evidence_kind_find(word);
        if (kind < 0) return "there is no kind of evidence of that name";
        fixture->lacks |= UINT64_C(1) << kind;
    }
    return NULL;
}

static const char *read_affected(struct fixture_case *fixture, struct str rest)
{
    if (fixture->affected_count == FIXTURE_AFFECTED_MAX) return "more than 64 affected";
    struct fixture_affected *affected = &fixture->affected[fixture->affected_count++];
    affected->account = take_word(&rest);
    affected->ccy = take_word(&rest);
    bool good = delta_parse(take_word(&rest), &affected->delta) == STATUS_OK;
    return good ? NULL : "affected wants an account, a currency and a difference";
}

static const char *read_directive(struct fixture_set *set, struct fixture_case *fixture,
                                  struct str line)
{
    struct str rest = line;
    struct str word = take_word(&rest);
    if (str_equal(word, STR("lacks"))) return read_lacks(fixture, rest);
    if (str_equal(word, STR("affected"))) return read_affected(fixture, rest);
    if (str_equal(word, STR("is"))) {
        fixture->cause = take_word(&rest);
        return NULL;
    }
    if (str_equal(word, STR("expect"))) {
        fixture->expects = true;
        return read_label(take_word(&rest), &fixture->expected) ? NULL : "there is no such label";
    }
    if (str_equal(word, STR("from"))) {
        fixture->imported = set->cases[0].lines;
        return str_equal(take_word(&rest), STR("positive")) && fixture != set->cases
                   ? NULL
                   : "only 'from positive', after the first case";
    }
    return "a directive or a record is wanted here";
}

static const char *read_line(struct fixture_set *set, struct str line, uint32_t number)
{
    struct str rest = line;
    if (line.len == 0 || line.data[0] == '#') return NULL;
    if (str_equal(take_word(&rest), STR("case"))) {
        if (set->count == FIXTURE_CASES_MAX) return "more than 16 cases";
        struct fixture_case *fixture = &set->cases[set->count++];
        *fixture = (struct fixture_case){ .line = number };
        return read_sort(take_word(&rest), &fixture->sort) ? NULL : "there is no such sort of case";
    }
    if (set->count == 0) return "a case must begin first";
    struct fixture_case *fixture = &set->cases[set->count - 1];
    if (line.data[0] != '{') {
        return fixture->lines.len > 0 ? "directives come before records"
                                      : read_directive(set, fixture, line);
    }
    if (fixture->lines.len == 0) fixture->lines.data = line.data;
    fixture->lines.len = (size_t)(line.data + line.len + 1 - fixture->lines.data);
    return NULL;
}

/* Whether each record has a kind; those that have none would belong to no source. */
static bool kinds_are_known(struct str lines)
{
    for (struct str line; str_take_line(&lines, &line);) {
        if (line.len > 0 && line.data[0] == '{' && record_kind(line) < 0) return false;
    }
    return true;
}

enum status fixture_parse(struct str text, struct fixture_set *out_set, struct error *out_error)
{
    uint32_t number = 0;
    bool sorts[3] = { false };
    out_set->count = 0;
    for (struct str line; str_take_line(&text, &line);) {
        const char *what = read_line(out_set, line, ++number);
        if (what != NULL) return fail(number, what, out_error);
    }
    if (text.len > 0) return fail(number + 1, "the last line has no end", out_error);
    for (uint32_t i = 0; i < out_set->count; i++) {
        if (kinds_are_known(out_set->cases[i].lines)) continue;
        return fail(out_set->cases[i].line, "a record of it begins with no kind", out_error);
    }
    for (uint32_t i = 0; i < out_set->count; i++) sorts[out_set->cases[i].sort] = true;
    if (!sorts[FIXTURE_POSITIVE] || !sorts[FIXTURE_LOOKALIKE] || !sorts[FIXTURE_MISSING]) {
        return fail(number, "a positive, a look-alike and a missing case are wanted", out_error);
    }
    return STATUS_OK;
}

/* Whose word a kind usually is. */
static struct str system_of(const char *kind)
{
    static const struct {
        const char *system;
        const char *kinds;
    } systems[] = {
        { "api", "request idem_key read" },
        { "ledger", "ledger_tx posting account hold saga" },
        { "database", "wal replica lock_wait index_check migration outbox" },
        { "broker", "relay message group_offset" },
        { "consumer", "applied dead_letter" },
        { "cache", "cache" },
        { "psp", "psp payout" },
        { "caller", "psp_call" },
        { "bank", "bank_line statement" },
        { "finance", "contract recon_match rate" },
        { "webhooks", "webhook" },
        { "telemetry", "span log clock" },
        { "keys", "key_event key_use cert handshake secret_hit" },
        { "operators", "job lease deploy config" },
        { "chain", "chain" },
        { "audit", "audit" },
    };
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) {
        if (evidence_has_word(systems[i].kinds, ' ', str_from(kind))) {
            return str_from(systems[i].system);
        }
    }
    return STR("other");
}

void fixture_manifest(const struct fixture_case *fixture, struct manifest *out_manifest)
{
    struct wall_time from = { 0 };
    struct wall_time to = { 0 };
    enum status first = wall_time_parse(FIXTURE_FROM, &from);
    enum status last = wall_time_parse(FIXTURE_TO, &to);
    CHECK(first == STATUS_OK && last == STATUS_OK);
    out_manifest->incident = STR("fixture");
    out_manifest->as_of_ns = to.ns;
    out_manifest->from_ns = from.ns;
    out_manifest->to_ns = to.ns;
    out_manifest->source_count = 0;
    out_manifest->coverage_count = 0;
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        struct manifest_source *source = &out_manifest->sources[out_manifest->source_count++];
        bool lacks = (fixture->lacks >> kind & 1) != 0;
        *source = (struct manifest_source){
            .path = str_from(evidence_kinds[kind].name),
            .system = system_of(evidence_kinds[kind].name),
            .kinds = UINT64_C(1) << kind,
            .size = -1,
            .refused = lacks,
        };
        source->clock = source->system;
        manifest_cover(out_manifest, kind);
    }
}

static void append_of_kind(struct str lines, uint32_t kind, struct buf *out_lines)
{
    for (struct str line; str_take_line(&lines, &line);) {
        if (record_kind(line) != (int)kind) continue;
        buf_append_str(out_lines, line);
        buf_append_byte(out_lines, '\n');
    }
}

void fixture_lines(const struct fixture_case *fixture, uint32_t kind, struct buf *out_lines)
{
    if ((fixture->lacks >> kind & 1) != 0) return;
    append_of_kind(fixture->imported, kind, out_lines);
    append_of_kind(fixture->lines, kind, out_lines);
}

/* ---- what came out ---- */

static const struct instance *cause_of(const struct diagnosis *diagnosis, struct str fault)
{
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *instance = &diagnosis->instances[diagnosis->causes[i]];
        if (str_equal(diagnosis->rules->rules[instance->rule].id, fault)) return instance;
    }
    return NULL;
}

static const char *affected_verdict(const struct fixture_case *fixture,
                                    const struct diagnosis *diagnosis)
{
    if (fixture->affected_count == 0) return NULL;
    if (fixture->affected_count != diagnosis->drift_count) return "another number of accounts";
    for (uint32_t i = 0; i < fixture->affected_count; i++) {
        const struct fixture_affected *want = &fixture->affected[i];
        bool found = false;
        for (uint32_t k = 0; k < diagnosis->drift_count; k++) {
            const struct account_drift *drift = &diagnosis->drifts[k];
            found = found ||
                    (str_equal(want->account, drift->account) && str_equal(want->ccy, drift->ccy) &&
                     want->delta.minor == drift->delta.minor);
        }
        if (!found) return "an account or its difference is not as it should be";
    }
    return NULL;
}

const char *fixture_verdict(const struct fixture_case *fixture, struct str fault,
                            const struct diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < diagnosis->bundle->source_count; i++) {
        if (diagnosis->bundle->sources[i].rejected > 0)
            return diagnosis->bundle->sources[i].first_reject;
    }
    const struct instance *cause = cause_of(diagnosis, fault);
    enum label label = cause == NULL ? LABEL_NONE : cause->label;
    enum label wanted = fixture->expects                    ? fixture->expected
                        : fixture->sort == FIXTURE_POSITIVE ? LABEL_CONFIRMED
                                                            : LABEL_NONE;
    if (fixture->sort == FIXTURE_MISSING && label == LABEL_CONFIRMED) {
        return "CONFIRMED, though evidence is missing";
    }
    bool free_choice = fixture->sort == FIXTURE_MISSING && !fixture->expects;
    if (!free_choice && label != wanted) {
        return label == LABEL_NONE    ? "the fault is not found"
               : wanted == LABEL_NONE ? "the fault is found"
                                      : "another label";
    }
    if (fixture->sort == FIXTURE_POSITIVE && diagnosis->cause_count != 1)
        return "another cause too";
    if (fixture->cause.len > 0 && cause_of(diagnosis, fixture->cause) == NULL) {
        return "the look-alike is not found";
    }
    return affected_verdict(fixture, diagnosis);
}
