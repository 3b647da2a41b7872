#include "doctor/render_json.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json_writer.h"
#include "base/time.h"
#include "model/evidence.h"

struct rendering {
    const struct diagnosis *diagnosis;
    struct evidence *evidence;
    struct json_writer json;
    struct error *error;
    enum status status;
};

unsigned diagnosis_exit_bits(const struct diagnosis *diagnosis)
{
    unsigned bits = diagnosis->finding_count > 0 && !diagnosis_is_settled(diagnosis) ? 1 : 0;
    bool whole = !diagnosis->truncated && !diagnosis->search_cut;
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++) {
        whole = whole && diagnosis->invariants[i].holds != TRUTH_UNKNOWN;
    }
    if (!whole) bits |= 2;
    return diagnosis->unexplained_count > 0 ? bits | 4 : bits;
}

static void text_member(struct rendering *r, struct str key, struct str value)
{
    if (value.len == 0) return;
    json_write_key(&r->json, key);
    json_write_string(&r->json, value);
}

static void count_member(struct rendering *r, struct str key, uint64_t value)
{
    json_write_key(&r->json, key);
    json_write_uint64(&r->json, value);
}

static void bool_member(struct rendering *r, struct str key, bool value)
{
    json_write_key(&r->json, key);
    json_write_bool(&r->json, value);
}

static void time_member(struct rendering *r, struct str key, int64_t ts_ns)
{
    char text[TIME_TEXT_SIZE];
    if (ts_ns <= 0) return;
    text_member(r, key, wall_time_format((struct wall_time){ ts_ns }, text));
}

static void delta_member(struct rendering *r, struct str key, struct delta delta)
{
    char text[DELTA_TEXT_SIZE];
    text_member(r, key, delta_format(delta, text));
}

static void kinds_member(struct rendering *r, struct str key, uint64_t kinds)
{
    json_write_key(&r->json, key);
    json_write_array_begin(&r->json);
    for (uint64_t rest = kinds; rest != 0; rest &= rest - 1) {
        json_write_string(&r->json, str_from(evidence_kinds[__builtin_ctzll(rest)].name));
    }
    json_write_array_end(&r->json);
}

/* "R-0123456789abcdef" with what it is and where it comes from. */
static void record_value(struct rendering *r, int64_t record)
{
    struct evidence_citation citation;
    struct error ignored; /* a rule may name what is no record */
    enum status status = r->evidence->cite(r->evidence, record, &citation, &ignored);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        r->status = status;
        *r->error = ignored;
    }
    json_write_object_begin(&r->json);
    if (status == STATUS_OK) {
        char id[24];
        int len = snprintf(id, sizeof id, "R-%016llx", (unsigned long long)citation.hash);
        const struct evidence_source *source = &r->diagnosis->bundle->sources[citation.source];
        text_member(r, STR("record"), (struct str){ id, len < 0 ? 0 : (size_t)len });
        text_member(r, STR("kind"), str_from(evidence_kinds[citation.kind].name));
        text_member(r, STR("source"), source->path);
        text_member(r, STR("system"), source->system);
        time_member(r, STR("ts"), citation.ts_ns);
    }
    json_write_object_end(&r->json);
}

static void record_member(struct rendering *r, struct str key, int64_t record)
{
    if (record <= 0) return;
    json_write_key(&r->json, key);
    record_value(r, record);
}

static void cell_value(struct rendering *r, const struct evidence_cell *cell)
{
    switch (cell->type) {
    case EVIDENCE_CELL_NULL: json_write_null(&r->json); break;
    case EVIDENCE_CELL_NUMBER: json_write_int64(&r->json, cell->number); break;
    case EVIDENCE_CELL_TEXT: json_write_string(&r->json, cell->text); break;
    }
}

static void append_parameter(const struct instance *instance, struct str name, struct buf *out)
{
    for (uint32_t i = 0; i < instance->parameter_count; i++) {
        const struct parameter *parameter = &instance->parameters[i];
        if (!str_equal(name, str_from(parameter->name))) continue;
        char text[DELTA_TEXT_SIZE];
        if (parameter->value.type == EVIDENCE_CELL_TEXT) {
            buf_append_str(out, parameter->value.text);
        } else if (parameter->value.type == EVIDENCE_CELL_NUMBER) {
            buf_append_str(out, delta_format((struct delta){ parameter->value.number }, text));
        } else {
            buf_append_byte(out, '?');
        }
        return;
    }
    buf_append_byte(out, '?');
}

void diagnosis_title(const struct diagnosis *diagnosis, const struct instance *instance,
                     struct buf *out)
{
    struct str title = diagnosis->rules->rules[instance->rule].title;
    for (size_t at = 0; at < title.len;) {
        const char *open = memchr(title.data + at, '{', title.len - at);
        size_t plain = open == NULL ? title.len - at : (size_t)(open - title.data) - at;
        buf_append(out, title.data + at, plain);
        at += plain;
        if (open == NULL) break;
        const char *close = memchr(open, '}', title.len - at);
        if (close == NULL) break;
        append_parameter(instance, (struct str){ open + 1, (size_t)(close - open) - 1 }, out);
        at = (size_t)(close - title.data) + 1;
    }
}

/* ---- parts of the document ---- */

static void predicates_member(struct rendering *r, const struct instance *instance)
{
    static const char *const truths[] = { "false", "true", "unknown" };
    json_write_key(&r->json, STR("predicates"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < instance->predicate_count; i++) {
        const struct predicate_result *predicate = &instance->predicates[i];
        const struct rule_query *query = &r->diagnosis->rules->queries[predicate->query];
        json_write_object_begin(&r->json);
        text_member(r, STR("part"), str_from(rule_part_name(query->part)));
        text_member(r, STR("name"), query->name);
        text_member(r, STR("lookalike"), query->lookalike);
        text_member(r, STR("value"), str_from(truths[predicate->value]));
        if (predicate->lacking != 0) kinds_member(r, STR("lacking"), predicate->lacking);
        json_write_key(&r->json, STR("witnesses"));
        json_write_array_begin(&r->json);
        for (uint32_t w = 0; w < predicate->witness_count; w++) {
            record_value(r, predicate->witnesses[w]);
        }
        json_write_array_end(&r->json);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void affected_member(struct rendering *r, const struct instance *instance)
{
    json_write_key(&r->json, STR("affected"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < instance->affected_count; i++) {
        const struct affected *affected = &instance->affected[i];
        json_write_object_begin(&r->json);
        text_member(r, STR("account"), affected->account);
        text_member(r, STR("ccy"), affected->ccy);
        delta_member(r, STR("delta"), affected->delta);
        if (affected->left) bool_member(r, STR("left"), true);
        if (affected->barred_by != 0)
            text_member(r, STR("barred_by"),
                        r->diagnosis->rules->rules[affected->barred_by - 1].id);
        text_member(r, STR("payment"), affected->payment);
        text_member(r, STR("hold"), affected->hold);
        text_member(r, STR("webhook"), affected->webhook);
        text_member(r, STR("payout"), affected->payout);
        record_member(r, STR("record"), affected->record);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void head_members(struct rendering *r, const struct instance *instance)
{
    const struct rule *rule = &r->diagnosis->rules->rules[instance->rule];
    struct buf BUF_SCOPE title;
    buf_init(&title, 64 << 10);
    diagnosis_title(r->diagnosis, instance, &title);
    text_member(r, STR("fault"), rule->id);
    text_member(r, STR("name"), rule->name);
    text_member(r, STR("title"), buf_view(&title));
    json_write_key(&r->json, STR("parameters"));
    json_write_object_begin(&r->json);
    for (uint32_t i = 0; i < instance->parameter_count; i++) {
        const struct parameter *parameter = &instance->parameters[i];
        if (parameter->name[0] == 'w' && strlen(parameter->name) <= 2) continue; /* a witness */
        json_write_key(&r->json, str_from(parameter->name));
        cell_value(r, &parameter->value);
    }
    json_write_object_end(&r->json);
}

static void rule_members(struct rendering *r, const struct rule *rule)
{
    text_member(r, STR("layer"), str_from(rule_layer_name(rule->layer)));
    if (!str_equal(rule->stop, STR("none"))) text_member(r, STR("stop"), rule->stop);
    text_member(r, STR("repair"), rule->repair);
    text_member(r, STR("prevention"), rule->prevention);
    text_member(r, STR("why"), rule->why);
    text_member(r, STR("limits"), rule->limits);
    bool_member(r, STR("ledger_entry"), rule->ledger_entry);
    bool_member(r, STR("psp_money"), rule->psp_money);
    bool_member(r, STR("benign"), rule->benign);
}

static void cause_value(struct rendering *r, const struct instance *instance)
{
    json_write_object_begin(&r->json);
    head_members(r, instance);
    text_member(r, STR("label"), str_from(label_name(instance->label)));
    text_member(r, STR("held_back"), instance->held_back);
    rule_members(r, &r->diagnosis->rules->rules[instance->rule]);
    count_member(r, STR("systems"), instance->systems);
    count_member(r, STR("explains"), instance->explain_count);
    count_member(r, STR("predicted"), instance->predicted);
    count_member(r, STR("missing"), instance->missing);
    time_member(r, STR("start"), instance->start_ns);
    record_member(r, STR("start_record"), instance->start_record);
    time_member(r, STR("last"), instance->last_ns);
    bool_member(r, STR("growing"), instance->growing);
    count_member(r, STR("settled"), instance->settled_count);
    json_write_key(&r->json, STR("alternatives"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < instance->alternative_count; i++) {
        const struct instance *other = &r->diagnosis->instances[instance->alternatives[i]];
        json_write_string(&r->json, r->diagnosis->rules->rules[other->rule].id);
    }
    json_write_array_end(&r->json);
    predicates_member(r, instance);
    affected_member(r, instance);
    json_write_object_end(&r->json);
}

static void considered_member(struct rendering *r)
{
    const struct diagnosis *diagnosis = r->diagnosis;
    json_write_key(&r->json, STR("considered"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < diagnosis->instance_count; i++) {
        const struct instance *instance = &diagnosis->instances[i];
        if (instance->selected) continue;
        json_write_object_begin(&r->json);
        head_members(r, instance);
        bool_member(r, STR("rejected"), instance->rejected);
        if (instance->rejected) {
            const struct predicate_result *by = &instance->predicates[instance->rejected_by];
            const struct rule_query *query = &diagnosis->rules->queries[by->query];
            text_member(r, STR("by"), query->name);
            text_member(r, STR("part"), str_from(rule_part_name(query->part)));
            if (by->witness_count > 0) record_member(r, STR("record"), by->witnesses[0]);
        }
        count_member(r, STR("explains"), instance->explain_count);
        count_member(r, STR("missing"), instance->missing);
        predicates_member(r, instance);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void findings_member(struct rendering *r)
{
    const struct diagnosis *diagnosis = r->diagnosis;
    json_write_key(&r->json, STR("violations"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < diagnosis->finding_count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        json_write_object_begin(&r->json);
        text_member(r, STR("invariant"), diagnosis->rules->rules[finding->rule].id);
        text_member(r, STR("key"), finding->key);
        text_member(r, STR("account"), finding->account);
        text_member(r, STR("ccy"), finding->ccy);
        if (finding->has_delta) delta_member(r, STR("delta"), finding->delta);
        time_member(r, STR("ts"), finding->ts_ns);
        record_member(r, STR("record"), finding->record);
        if (finding->cause >= 0) {
            const struct instance *cause = &diagnosis->instances[finding->cause];
            text_member(r, STR("cause"), diagnosis->rules->rules[cause->rule].id);
        }
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void invariants_member(struct rendering *r)
{
    static const char *const holds[] = { "no", "yes", "unknown" };
    json_write_key(&r->json, STR("invariants"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < r->diagnosis->invariant_count; i++) {
        const struct invariant_result *result = &r->diagnosis->invariants[i];
        const struct rule *rule = &r->diagnosis->rules->rules[result->rule];
        json_write_object_begin(&r->json);
        text_member(r, STR("id"), rule->id);
        text_member(r, STR("name"), rule->name);
        text_member(r, STR("severity"), rule->severity);
        text_member(r, STR("holds"), str_from(holds[result->holds]));
        count_member(r, STR("violations"), result->violations);
        count_member(r, STR("excused"), result->excused);
        count_member(r, STR("unsure"), result->unsure);
        if (result->lacking != 0) kinds_member(r, STR("lacking"), result->lacking);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void money_members(struct rendering *r)
{
    const struct diagnosis *diagnosis = r->diagnosis;
    json_write_key(&r->json, STR("money"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < diagnosis->total_count; i++) {
        const struct currency_total *total = &diagnosis->totals[i];
        json_write_object_begin(&r->json);
        text_member(r, STR("ccy"), total->ccy);
        delta_member(r, STR("over"), total->over);
        delta_member(r, STR("under"), total->under);
        count_member(r, STR("accounts_over"), total->accounts_over);
        count_member(r, STR("accounts_under"), total->accounts_under);
        delta_member(r, STR("unexplained"), total->unexplained);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
    json_write_key(&r->json, STR("accounts"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < diagnosis->drift_count; i++) {
        json_write_object_begin(&r->json);
        text_member(r, STR("account"), diagnosis->drifts[i].account);
        text_member(r, STR("ccy"), diagnosis->drifts[i].ccy);
        delta_member(r, STR("delta"), diagnosis->drifts[i].delta);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
    json_write_key(&r->json, STR("left_accounts"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < diagnosis->left_count; i++)
        json_write_string(&r->json, diagnosis->left[i]);
    json_write_array_end(&r->json);
}

static void sources_member(struct rendering *r)
{
    const struct evidence_bundle *bundle = r->diagnosis->bundle;
    json_write_key(&r->json, STR("sources"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < bundle->source_count; i++) {
        const struct evidence_source *source = &bundle->sources[i];
        json_write_object_begin(&r->json);
        static const struct digest none;
        char hex[2 * sizeof source->sha256 + 1];
        text_member(r, STR("path"), source->path);
        if (!digest_equal(&source->sha256, &none))
            text_member(r, STR("sha256"), hex_format(&source->sha256, sizeof none, hex));
        text_member(r, STR("system"), source->system);
        count_member(r, STR("rows"), source->rows);
        count_member(r, STR("rejected"), source->rejected);
        count_member(r, STR("unknown_fields"), source->unknown_fields);
        if (source->first_reject != NULL) {
            count_member(r, STR("first_reject_line"), source->first_reject_line);
            text_member(r, STR("first_reject"), str_from(source->first_reject));
        }
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void clocks_member(struct rendering *r)
{
    bool_member(r, STR("clocks_agree"), r->diagnosis->clocks_agree);
    json_write_key(&r->json, STR("clocks"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < r->diagnosis->clock_count; i++) {
        const struct clock_offset *clock = &r->diagnosis->clocks[i];
        if (!clock->known) continue;
        json_write_object_begin(&r->json);
        text_member(r, STR("clock"), clock->clock);
        json_write_key(&r->json, STR("lowest_ns"));
        json_write_int64(&r->json, clock->lowest_ns);
        json_write_key(&r->json, STR("highest_ns"));
        json_write_int64(&r->json, clock->highest_ns);
        json_write_object_end(&r->json);
    }
    json_write_array_end(&r->json);
}

static void verdict_members(struct rendering *r)
{
    const struct diagnosis *diagnosis = r->diagnosis;
    bool growing = false;
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        growing = growing || diagnosis->instances[diagnosis->causes[i]].growing;
    }
    const char *verdict = diagnosis->finding_count == 0       ? "clean"
                          : diagnosis_is_settled(diagnosis)   ? "repaired"
                          : diagnosis->unexplained_count == 0 ? "explained"
                          : diagnosis->cause_count == 0       ? "unknown"
                                                              : "partly explained";
    text_member(r, STR("verdict"), str_from(verdict));
    bool_member(r, STR("growing"), growing);
    count_member(r, STR("exit_bits"), diagnosis_exit_bits(diagnosis));
    count_member(r, STR("violation_count"), diagnosis->finding_count);
    count_member(r, STR("unexplained_count"), diagnosis->unexplained_count);
    bool_member(r, STR("truncated"), diagnosis->truncated);
    bool_member(r, STR("search_cut"), diagnosis->search_cut);
}

static void causes_member(struct rendering *r)
{
    const struct diagnosis *diagnosis = r->diagnosis;
    json_write_key(&r->json, STR("causes"));
    json_write_array_begin(&r->json);
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        cause_value(r, &diagnosis->instances[diagnosis->causes[i]]);
    }
    json_write_array_end(&r->json);
    if (diagnosis->nearest >= 0) {
        const struct instance *nearest = &diagnosis->instances[diagnosis->nearest];
        text_member(r, STR("nearest"), diagnosis->rules->rules[nearest->rule].id);
    }
    kinds_member(r, STR("not_seen"), diagnosis->missing_kinds);
    kinds_member(r, STR("not_collected"), diagnosis_absent_kinds(diagnosis));
    if (diagnosis->next_kind >= 0) {
        text_member(r, STR("next_evidence"), str_from(evidence_kinds[diagnosis->next_kind].name));
    }
}

enum status diagnosis_json(const struct diagnosis *diagnosis, struct evidence *evidence,
                           struct buf *out, struct error *out_error)
{
    struct rendering r = { .diagnosis = diagnosis, .evidence = evidence, .error = out_error };
    const struct evidence_bundle *bundle = diagnosis->bundle;
    char digest[2 * sizeof(struct digest) + 1];
    json_writer_init(&r.json, out);
    json_write_object_begin(&r.json);
    text_member(&r, STR("format"), STR("tpwallet-diagnosis-1"));
    text_member(&r, STR("incident"), bundle->incident);
    time_member(&r, STR("as_of"), bundle->as_of_ns);
    time_member(&r, STR("from"), bundle->from_ns);
    time_member(&r, STR("to"), bundle->to_ns);
    text_member(&r, STR("rules_sha256"),
                hex_format(&diagnosis->rules->digest, sizeof(struct digest), digest));
    text_member(&r, STR("what_if"), diagnosis->what_if);
    verdict_members(&r);
    money_members(&r);
    causes_member(&r);
    considered_member(&r);
    invariants_member(&r);
    findings_member(&r);
    clocks_member(&r);
    sources_member(&r);
    json_write_object_end(&r.json);
    if (r.status != STATUS_OK) return r.status;
    if (json_write_end(&r.json) != STATUS_OK) {
        return error_set(out_error, STATUS_LIMIT, "the report is too large");
    }
    buf_append_byte(out, '\n');
    return STATUS_OK;
}
