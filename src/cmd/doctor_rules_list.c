/* tpwallet doctor rules list, explain: what the doctor knows. */
#include "base/check.h"
#include "base/json_member.h"
#include "cmd/doctor_rules.h"
#include "cmd/invocation.h"
#include "cmd/report.h"

enum { OUT_SIZE_MAX = 1 << 20 };

static void write_json(const struct rule_set *set, struct buf *out)
{
    static const char *const types[] = { "invariant", "fault", "causal" };
    struct json_writer json;
    json_writer_init(&json, out);
    json_write_object_begin(&json);
    json_write_key(&json, STR("rules"));
    json_write_array_begin(&json);
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct rule *rule = &set->rules[i];
        json_write_object_begin(&json);
        json_member_text(&json, "id", rule->id);
        json_member_text(&json, "type", str_from(types[rule->type]));
        json_member_text(&json, "name", rule->name);
        json_member_text(&json, "layer", str_from(rule_layer_name(rule->layer)));
        json_member_text(&json, "file", rule->file);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static void write_list(const struct rule_set *set, struct buf *out)
{
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct rule *rule = &set->rules[i];
        buf_append_format(out, "%-5.*s %-14s %.*s\n", STR_ARG(rule->id),
                          rule->type == RULE_FAULT ? rule_layer_name(rule->layer) : "invariant",
                          STR_ARG(rule->name));
    }
}

static void write_property(struct buf *out, const char *name, struct str value)
{
    if (value.len > 0) buf_append_format(out, "%-12s %.*s\n", name, STR_ARG(value));
}

static void write_rule(const struct rule_set *set, const struct rule *rule, struct buf *out)
{
    buf_append_format(out, "[%.*s] %.*s\n", STR_ARG(rule->id), STR_ARG(rule->name));
    write_property(out, "layer", str_from(rule_layer_name(rule->layer)));
    write_property(out, "why", rule->why);
    write_property(out, "look-alikes", rule->lookalikes);
    write_property(out, "stop", rule->stop);
    write_property(out, "repair", rule->repair);
    write_property(out, "prevention", rule->prevention);
    write_property(out, "limits", rule->limits);
    for (uint32_t i = 0; i < rule->query_count; i++) {
        const struct rule_query *query = &set->queries[rule->query_first + i];
        buf_append_format(out, "\n%s %.*s%s%.*s\n    %.*s\n", rule_part_name(query->part),
                          STR_ARG(query->lookalike), query->lookalike.len > 0 ? " " : "",
                          STR_ARG(query->name), STR_ARG(query->sql));
    }
}

static int run(struct invocation *invocation, bool explain)
{
    struct error error = { 0 };
    struct doctor_rules *rules = NULL;
    struct buf BUF_SCOPE out;
    buf_init(&out, OUT_SIZE_MAX);
    enum status status = doctor_rules_load(invocation_text(invocation, "rules"), &rules, &error);
    int place = -1;
    if (status == STATUS_OK && explain) {
        place = rule_find(&rules->set, str_from(invocation->positionals[0]));
        if (place < 0) {
            status = error_set(&error, STATUS_NOT_FOUND, "there is no rule '%s'",
                               invocation->positionals[0]);
        }
    }
    if (status == STATUS_OK && explain) {
        write_rule(&rules->set, &rules->set.rules[place], &out);
    } else if (status == STATUS_OK && invocation->json) {
        write_json(&rules->set, &out);
    } else if (status == STATUS_OK) {
        write_list(&rules->set, &out);
    }
    int code = status == STATUS_OK ? report_text(invocation, buf_view(&out))
                                   : report_error(invocation, &error);
    doctor_rules_free(rules);
    return code;
}

static int list_run(struct invocation *invocation)
{
    return run(invocation, false);
}

static int explain_run(struct invocation *invocation)
{
    return run(invocation, true);
}

static const struct positional explain_positionals[] = {
    { "ID", "of a fault or an invariant", false },
    { 0 },
};

static const struct option options[] = {
    { "rules", "DIR", "a folder with faults/ and invariants/; without, the rules built in", NULL },
    { 0 },
};

const struct command command_doctor_rules_list = {
    .name = "doctor rules list",
    .summary = "list the faults that the doctor knows and the invariants that it checks",
    .options = options,
    .examples = "doctor rules list\ndoctor rules list --json",
    .run = list_run,
};

const struct command command_doctor_rules_explain = {
    .name = "doctor rules explain",
    .summary = "show a rule: what it means, what it needs, and how it asks",
    .positionals = explain_positionals,
    .options = options,
    .examples = "doctor rules explain B03",
    .run = explain_run,
};
