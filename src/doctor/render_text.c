#include "doctor/render_text.h"

#include "base/hex.h"
#include "base/time.h"
#include "doctor/evidence_ways.h"
#include "doctor/render_json.h"
#include "doctor/report.h"
#include "model/asset.h"
#include "model/evidence.h"

enum { SHOWN_MAX = 12 }; /* rows of a list; the JSON has all of them */

static void append_time(struct buf *out, int64_t ts_ns)
{
    char text[TIME_TEXT_SIZE];
    struct str all = wall_time_format((struct wall_time){ ts_ns }, text);
    buf_append_format(out, "%.19sZ", all.data);
}

static void append_delta(struct buf *out, struct delta delta)
{
    char text[DELTA_TEXT_SIZE];
    buf_append_str(out, delta_format(delta, text));
}

static struct str rule_id(const struct diagnosis *diagnosis, const struct instance *instance)
{
    return diagnosis->rules->rules[instance->rule].id;
}

static void append_head(const struct diagnosis *diagnosis, struct buf *out)
{
    char digest[2 * sizeof(struct digest) + 1];
    (void)hex_format(&diagnosis->rules->digest, sizeof(struct digest), digest);
    buf_append_format(out, "tpwallet doctor  incident %.*s  as of ",
                      STR_ARG(diagnosis->bundle->incident));
    append_time(out, diagnosis->bundle->as_of_ns);
    buf_append_format(out, "  rules sha256:%.12s\n", digest);
    if (diagnosis->what_if.len > 0)
        buf_append_format(out,
                          "what if: as if %.*s had not been collected; no plan is made of this\n",
                          STR_ARG(diagnosis->what_if));
}

static void append_state(const struct diagnosis *diagnosis, struct buf *out)
{
    int64_t last_ns = 0;
    bool growing = false;
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        growing = growing || cause->growing;
        if (cause->last_ns > last_ns) last_ns = cause->last_ns;
    }
    unsigned bits = diagnosis_exit_bits(diagnosis);
    const char *state = (bits & 1) != 0                   ? "DEGRADED"
                        : diagnosis_is_settled(diagnosis) ? "REPAIRED"
                        : (bits & 2) != 0                 ? "NOTHING FOUND"
                                                          : "CLEAN";
    buf_append_format(out, "state:   %s%s", state, growing ? ", still growing" : "");
    if (last_ns > 0) {
        buf_append_str(out, STR(" (newest case "));
        append_time(out, last_ns);
        buf_append_str(out, STR(")"));
    }
    buf_append_str(out, (bits & 2) != 0 ? STR(", not all could be checked\n") : STR("\n"));
}

/* Without its sign: a word says it. */
static void append_magnitude(struct buf *out, struct delta delta, struct str ccy)
{
    char text[DELTA_TEXT_SIZE];
    report_magnitude(out, delta_format(delta, text), ccy);
}

static void append_side(struct buf *out, const struct currency_total *total, struct delta side,
                        const char *word, uint32_t accounts)
{
    append_magnitude(out, side, total->ccy);
    buf_append_format(out, " %s on %u account%s, ", word, accounts, accounts == 1 ? "" : "s");
}

static void append_money(const struct diagnosis *diagnosis, struct buf *out)
{
    for (uint32_t i = 0; i < diagnosis->total_count; i++) {
        const struct currency_total *total = &diagnosis->totals[i];
        buf_append_format(out, "%s%.*s ", i == 0 ? "money:   " : "         ", STR_ARG(total->ccy));
        append_side(out, total, total->over, "too much", total->accounts_over);
        append_side(out, total, total->under, "too little", total->accounts_under);
        append_magnitude(out, total->unexplained, total->ccy);
        buf_append_format(out, " unexplained%s\n",
                          asset_iso_by_code(total->ccy) == NULL ? " (minor units)" : "");
    }
    if (diagnosis->total_count == 0) buf_append_str(out, STR("money:   none\n"));
}

static void append_more(struct buf *out, uint32_t count)
{
    if (count > SHOWN_MAX)
        buf_append_format(out, "         and %u more (--json has all)\n", count - SHOWN_MAX);
}

/* "EUR 12.50 too much" */
static void append_drift(struct buf *out, struct delta delta, struct str ccy)
{
    buf_append_format(out, "%.*s ", STR_ARG(ccy));
    append_magnitude(out, delta, ccy);
    buf_append_str(out, delta.minor < 0 ? STR(" too little") : STR(" too much"));
}

/* The net of all causes. */
static void append_accounts(const struct diagnosis *diagnosis, struct buf *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < diagnosis->drift_count; i++) {
        const struct account_drift *drift = &diagnosis->drifts[i];
        if (delta_is_zero(drift->delta) || count++ >= SHOWN_MAX) continue;
        buf_append_format(out, "%s%.*s  ", count == 1 ? "accounts: " : "          ",
                          STR_ARG(drift->account));
        append_drift(out, drift->delta, drift->ccy);
        buf_append_byte(out, '\n');
    }
    append_more(out, count);
}

static void append_id(struct buf *out, const char *name, struct str id)
{
    if (id.len > 0) buf_append_format(out, "  %s %.*s", name, STR_ARG(id));
}

/* What a cause touched, row by row: where, how much, by what. */
static void append_touched(const struct instance *cause, struct buf *out)
{
    for (uint32_t i = 0; i < cause->affected_count && i < SHOWN_MAX; i++) {
        const struct affected *affected = &cause->affected[i];
        buf_append_str(out, i == 0 ? STR("touched:") : STR("        "));
        if (affected->account.len > 0) buf_append_format(out, " %.*s ", STR_ARG(affected->account));
        if (affected->ccy.len > 0 && !delta_is_zero(affected->delta)) {
            buf_append_byte(out, ' ');
            append_drift(out, affected->delta, affected->ccy);
        }
        append_id(out, "payment", affected->payment);
        append_id(out, "hold", affected->hold);
        append_id(out, "webhook", affected->webhook);
        append_id(out, "payout", affected->payout);
        buf_append_str(out, affected->left ? STR("  left to people\n") : STR("\n"));
    }
    append_more(out, cause->affected_count);
}

/* Accounts to which the repair posts nothing: a person has to look at them. */
static void append_left(const struct diagnosis *diagnosis, struct buf *out)
{
    if (diagnosis->left_count == 0) return;
    buf_append_format(out, "left:    nothing is posted to %u account%s, people have to look at %s:",
                      diagnosis->left_count, diagnosis->left_count == 1 ? "" : "s",
                      diagnosis->left_count == 1 ? "it" : "them");
    for (uint32_t i = 0; i < diagnosis->left_count && i < SHOWN_MAX; i++)
        buf_append_format(out, " %.*s", STR_ARG(diagnosis->left[i]));
    if (diagnosis->left_count > SHOWN_MAX)
        buf_append_format(out, " and %u more", diagnosis->left_count - SHOWN_MAX);
    buf_append_byte(out, '\n');
}

static void count_predicates(const struct diagnosis *diagnosis, const struct instance *cause,
                             bool requires, uint32_t *out_good, uint32_t *out_all)
{
    *out_good = 0;
    *out_all = 0;
    for (uint32_t i = 0; i < cause->predicate_count; i++) {
        const struct predicate_result *predicate = &cause->predicates[i];
        enum rule_part part = diagnosis->rules->queries[predicate->query].part;
        if ((part == RULE_PART_REQUIRE) != requires) continue;
        ++*out_all;
        *out_good += predicate->value == (requires ? TRUTH_TRUE : TRUTH_FALSE);
    }
}

static void append_cause(const struct diagnosis *diagnosis, const struct instance *cause,
                         struct buf *out)
{
    const struct rule *rule = &diagnosis->rules->rules[cause->rule];
    uint32_t required;
    uint32_t required_all;
    uint32_t excluded;
    uint32_t excluded_all;
    count_predicates(diagnosis, cause, true, &required, &required_all);
    count_predicates(diagnosis, cause, false, &excluded, &excluded_all);
    buf_append_format(out, "cause:   [%.*s] ", STR_ARG(rule->id));
    diagnosis_title(diagnosis, cause, out);
    buf_append_format(out,
                      "\n         %s  %u system%s, %u of %u requirements seen, %u of %u objections "
                      "excluded, explains %u of %u violations\n",
                      label_name(cause->label), cause->systems,
                      cause->systems == 1 ? " bears witness" : "s bear witness", required,
                      required_all, excluded, excluded_all, cause->explain_count,
                      diagnosis->finding_count);
    if (cause->held_back.len > 0)
        buf_append_format(out, "         not CONFIRMED: %.*s\n", STR_ARG(cause->held_back));
    for (uint32_t i = 0; i < cause->alternative_count; i++) {
        const struct instance *other = &diagnosis->instances[cause->alternatives[i]];
        buf_append_format(out, "         or  [%.*s] ", STR_ARG(rule_id(diagnosis, other)));
        diagnosis_title(diagnosis, other, out);
        buf_append_byte(out, '\n');
    }
    if (cause->start_ns > 0) {
        buf_append_str(out, STR("started: "));
        append_time(out, cause->start_ns);
        buf_append_byte(out, '\n');
    }
    if (cause->settled_count > 0)
        buf_append_format(out, "settled: %u of %u entries were taken back since\n",
                          cause->settled_count, cause->settled_count + cause->affected_count);
    append_touched(cause, out);
    if (instance_is_settled(cause)) return;
    bool stops = rule->stop.len > 0 && !str_equal(rule->stop, STR("none"));
    if (stops) buf_append_format(out, "action:  stop     %.*s\n", STR_ARG(rule->stop));
    buf_append_format(out, "%s repair   %.*s\n",
                      stops ? "        " : "action: ", STR_ARG(rule->repair));
    buf_append_format(out, "         prevent  %.*s\n", STR_ARG(rule->prevention));
}

static enum status append_record(struct evidence *evidence, const struct diagnosis *diagnosis,
                                 int64_t record, struct buf *out, struct error *error)
{
    struct evidence_citation citation;
    enum status status = evidence->cite(evidence, record, &citation, error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* a rule named what is no record */
    if (status != STATUS_OK) return status;
    const struct evidence_source *source = &diagnosis->bundle->sources[citation.source];
    buf_append_format(out, "  R-%016llx  %-12s ", (unsigned long long)citation.hash,
                      evidence_kinds[citation.kind].name);
    if (citation.ts_ns > 0) append_time(out, citation.ts_ns);
    buf_append_format(out, "  %.*s", STR_ARG(source->path));
    return STATUS_OK;
}

static enum status append_evidence(struct evidence *evidence, const struct diagnosis *diagnosis,
                                   const struct instance *instance, struct buf *out,
                                   struct error *error)
{
    for (uint32_t i = 0; i < instance->predicate_count; i++) {
        const struct predicate_result *predicate = &instance->predicates[i];
        const struct rule_query *query = &diagnosis->rules->queries[predicate->query];
        for (uint32_t w = 0; w < predicate->witness_count; w++) {
            enum status status =
                append_record(evidence, diagnosis, predicate->witnesses[w], out, error);
            if (status != STATUS_OK) return status;
            buf_append_format(out, "  %.*s\n", STR_ARG(query->name));
        }
    }
    return STATUS_OK;
}

static enum status append_rejected(struct evidence *evidence, const struct diagnosis *diagnosis,
                                   struct buf *out, struct error *error)
{
    bool first = true;
    for (uint32_t i = 0; i < diagnosis->instance_count; i++) {
        const struct instance *instance = &diagnosis->instances[i];
        if (!instance->rejected || instance->explain_count == 0) continue;
        const struct predicate_result *by = &instance->predicates[instance->rejected_by];
        const struct rule_query *query = &diagnosis->rules->queries[by->query];
        if (first) buf_append_str(out, STR("rejected\n"));
        first = false;
        buf_append_format(out, "  %.*s  %s %.*s is %s\n", STR_ARG(rule_id(diagnosis, instance)),
                          rule_part_name(query->part), STR_ARG(query->name),
                          by->value == TRUTH_TRUE ? "true" : "false");
        if (by->witness_count == 0) continue;
        enum status status = append_record(evidence, diagnosis, by->witnesses[0], out, error);
        if (status != STATUS_OK) return status;
        buf_append_byte(out, '\n');
    }
    return STATUS_OK;
}

static void append_unexplained(const struct diagnosis *diagnosis, struct buf *out)
{
    uint32_t shown = 0;
    if (diagnosis->unexplained_count == 0) return;
    buf_append_format(out, "UNKNOWN: %u violation%s not explained\n", diagnosis->unexplained_count,
                      diagnosis->unexplained_count == 1 ? " is" : "s are");
    for (uint32_t i = 0; i < diagnosis->finding_count && shown < SHOWN_MAX; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        if (finding->cause >= 0) continue;
        const struct rule *rule = &diagnosis->rules->rules[finding->rule];
        buf_append_format(out, "  %.*s  %.*s  %.*s %.*s ", STR_ARG(rule->id), STR_ARG(finding->key),
                          STR_ARG(finding->account), STR_ARG(finding->ccy));
        if (finding->has_delta) append_delta(out, finding->delta);
        buf_append_format(out, "  (%.*s)\n", STR_ARG(rule->name));
        shown++;
    }
    if (diagnosis->nearest >= 0) {
        const struct instance *nearest = &diagnosis->instances[diagnosis->nearest];
        buf_append_format(out, "  nearest: %.*s", STR_ARG(rule_id(diagnosis, nearest)));
        if (nearest->rejected) {
            const struct predicate_result *by = &nearest->predicates[nearest->rejected_by];
            const struct rule_query *query = &diagnosis->rules->queries[by->query];
            buf_append_format(out, ", but %s %.*s", rule_part_name(query->part),
                              STR_ARG(query->name));
        }
        buf_append_byte(out, '\n');
    }
}

static void append_sources(const struct diagnosis *diagnosis, struct buf *out)
{
    for (uint32_t i = 0; i < diagnosis->bundle->source_count; i++) {
        const struct evidence_source *source = &diagnosis->bundle->sources[i];
        if (source->rejected == 0 && source->unknown_fields == 0 && source->first_reject == NULL) {
            continue;
        }
        buf_append_format(out, "source:  %.*s: %llu lines rejected, %llu unknown fields",
                          STR_ARG(source->path), (unsigned long long)source->rejected,
                          (unsigned long long)source->unknown_fields);
        if (source->first_reject != NULL) {
            buf_append_format(out, "; line %llu: %s", (unsigned long long)source->first_reject_line,
                              source->first_reject);
        }
        buf_append_byte(out, '\n');
    }
}

static void append_not_seen(const struct diagnosis *diagnosis, struct buf *out)
{
    if (diagnosis->missing_kinds == 0) return;
    buf_append_str(out, STR("not seen:"));
    for (uint64_t rest = diagnosis->missing_kinds; rest != 0; rest &= rest - 1) {
        buf_append_format(out, " %s", evidence_kinds[__builtin_ctzll(rest)].name);
    }
    buf_append_byte(out, '\n');
}

static void append_invariants(const struct diagnosis *diagnosis, struct buf *out)
{
    uint32_t counts[3] = { 0 };
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++) {
        counts[diagnosis->invariants[i].holds]++;
    }
    buf_append_format(out, "checked: %u invariants hold, %u do not, %u are unknown\n",
                      counts[TRUTH_TRUE], counts[TRUTH_FALSE], counts[TRUTH_UNKNOWN]);
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++) {
        const struct invariant_result *result = &diagnosis->invariants[i];
        if (result->holds == TRUTH_TRUE) continue;
        const struct rule *rule = &diagnosis->rules->rules[result->rule];
        bool broken = result->holds == TRUTH_FALSE;
        buf_append_format(out, "  %s %.*s  %.*s", broken ? "x" : "?", STR_ARG(rule->id),
                          STR_ARG(rule->name));
        if (broken) buf_append_format(out, "  (%u)", result->violations);
        buf_append_byte(out, '\n');
    }
}

enum status diagnosis_text(const struct diagnosis *diagnosis, struct evidence *evidence,
                           struct buf *out, struct error *out_error)
{
    append_head(diagnosis, out);
    append_state(diagnosis, out);
    append_money(diagnosis, out);
    append_accounts(diagnosis, out);
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        append_cause(diagnosis, &diagnosis->instances[diagnosis->causes[i]], out);
    }
    append_left(diagnosis, out);
    append_unexplained(diagnosis, out);
    append_not_seen(diagnosis, out);
    append_sources(diagnosis, out);
    if (diagnosis->cause_count > 0) buf_append_str(out, STR("\nevidence chain\n"));
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < diagnosis->cause_count; i++) {
        status = append_evidence(evidence, diagnosis, &diagnosis->instances[diagnosis->causes[i]],
                                 out, out_error);
    }
    if (status == STATUS_OK) status = append_rejected(evidence, diagnosis, out, out_error);
    if (status != STATUS_OK) return status;
    append_invariants(diagnosis, out);
    if (buf_status(out) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "the report is too large");
}

enum status diagnosis_why_not(const struct diagnosis *diagnosis, struct evidence *evidence,
                              struct str fault, struct buf *out, struct error *out_error)
{
    static const char *const truths[] = { "false", "true", "unknown" };
    uint32_t count = 0;
    if (rule_find(diagnosis->rules, fault) < 0) {
        return error_set(out_error, STATUS_NOT_FOUND, "there is no fault '%.*s'", STR_ARG(fault));
    }
    for (uint32_t i = 0; i < diagnosis->instance_count; i++) {
        const struct instance *instance = &diagnosis->instances[i];
        if (!str_equal(rule_id(diagnosis, instance), fault)) continue;
        count++;
        buf_append_format(out, "[%.*s] ", STR_ARG(fault));
        diagnosis_title(diagnosis, instance, out);
        buf_append_format(out, "\n  %s; explains %u violations, %u predicted are missing\n",
                          instance->selected   ? "it is a cause"
                          : instance->rejected ? "rejected"
                          : instance->explain_count == 0
                              ? "not a cause: it would explain nothing"
                              : "not a cause: another choice explains as much for less",
                          instance->explain_count, instance->missing);
        for (uint32_t p = 0; p < instance->predicate_count; p++) {
            const struct predicate_result *predicate = &instance->predicates[p];
            const struct rule_query *query = &diagnosis->rules->queries[predicate->query];
            buf_append_format(out, "  %s %.*s is %s\n", rule_part_name(query->part),
                              STR_ARG(query->name), truths[predicate->value]);
        }
        enum status status = append_evidence(evidence, diagnosis, instance, out, out_error);
        if (status != STATUS_OK) return status;
    }
    if (count == 0) {
        buf_append_format(out, "[%.*s] nothing in the evidence triggers it\n", STR_ARG(fault));
    }
    return STATUS_OK;
}

/* ---- what to collect ---- */

static void append_kinds(struct buf *out, uint64_t kinds)
{
    for (; kinds != 0; kinds &= kinds - 1)
        buf_append_format(out, " %s", evidence_kinds[__builtin_ctzll(kinds)].name);
}

static void append_way(struct buf *out, const struct evidence_way *way)
{
    if (way->options != NULL)
        buf_append_format(out, "tpwallet doctor collect BUNDLE --key FILE %s", way->options);
    else
        buf_append_str(out, STR("by hand: docs/bundle.md"));
    buf_append_byte(out, '\n');
}

static void append_decided(const struct diagnosis *diagnosis, uint32_t kind, struct buf *out)
{
    buf_append_format(out, "collect %s: it would decide\n", evidence_kinds[kind].name);
    for (uint32_t i = 0; i < diagnosis->instance_count; i++) {
        const struct instance *instance = &diagnosis->instances[i];
        for (uint32_t p = 0; p < instance->predicate_count; p++) {
            const struct predicate_result *predicate = &instance->predicates[p];
            const struct rule_query *query = &diagnosis->rules->queries[predicate->query];
            if ((predicate->lacking >> kind & 1) == 0) continue;
            buf_append_format(out, "  %.*s  %s %.*s\n", STR_ARG(rule_id(diagnosis, instance)),
                              rule_part_name(query->part), STR_ARG(query->name));
        }
    }
    buf_append_str(out, STR("  "));
    append_way(out, evidence_way_of(kind));
}

/* Invariants that lack something of what a way brings. */
static uint32_t helped_by(const struct diagnosis *diagnosis, uint64_t kinds)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++)
        count += (diagnosis->invariants[i].lacking & kinds) != 0;
    return count;
}

/* The way that helps most invariants for its cost, of those that are not in *done. */
static const struct evidence_way *best_way(const struct diagnosis *diagnosis, uint64_t *done)
{
    const struct evidence_way *best = NULL;
    uint32_t most = 0;
    uint64_t bit = 0;
    for (uint32_t i = 0; evidence_ways[i].kinds != NULL; i++) {
        const struct evidence_way *way = &evidence_ways[i];
        uint32_t helped = helped_by(diagnosis, evidence_way_kinds(way));
        if (helped == 0 || (*done >> i & 1) != 0) continue;
        if (best != NULL && helped * (uint32_t)best->cost <= most * (uint32_t)way->cost) continue;
        best = way;
        most = helped;
        bit = UINT64_C(1) << i;
    }
    *done |= bit;
    return best;
}

/* What was not seen at all does not make a bundle clean: how it could be, the most useful first. */
static void append_unchecked(const struct diagnosis *diagnosis, uint32_t unknown, struct buf *out)
{
    const struct evidence_way *way;
    uint64_t done = 0;
    uint64_t lacking = 0;
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++)
        lacking |= diagnosis->invariants[i].lacking;
    buf_append_format(out, "not checked: %u of %u invariants, which lack evidence; by worth:\n",
                      unknown, diagnosis->invariant_count);
    while ((way = best_way(diagnosis, &done)) != NULL) {
        uint64_t kinds = evidence_way_kinds(way) & lacking;
        buf_append_str(out, STR(" "));
        append_kinds(out, kinds);
        buf_append_format(out, ", for %u of them\n    ", helped_by(diagnosis, kinds));
        append_way(out, way);
    }
    buf_append_str(out, STR("absent altogether:"));
    append_kinds(out, diagnosis_absent_kinds(diagnosis));
    buf_append_byte(out, '\n');
}

void diagnosis_next(const struct diagnosis *diagnosis, struct buf *out)
{
    uint32_t unknown = 0;
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++)
        unknown += diagnosis->invariants[i].holds == TRUTH_UNKNOWN;
    if (diagnosis->next_kind >= 0)
        append_decided(diagnosis, (uint32_t)diagnosis->next_kind, out);
    else if (unknown == 0)
        buf_append_str(out, STR("nothing that could be collected would change the verdict\n"));
    else if (diagnosis->cause_count > 0)
        buf_append_str(out, STR("nothing that could be collected would decide more about the "
                                "causes\n"));
    if (unknown > 0) append_unchecked(diagnosis, unknown, out);
}
