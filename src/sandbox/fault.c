/* One draw for each case: rates add up, and two faults never come together. */
#include "sandbox/fault.h"

#include "base/check.h"
#include "base/hash.h"

struct fault_kind {
    const char *name;
    enum fault_subject subject;
    uint32_t ms;
};

#define FAULT_ENTRY(name, subject, text, ms, does)                                                 \
    [SANDBOX_FAULT_##name] = { text, FAULT_##subject, ms },

static const struct fault_kind kinds[SANDBOX_FAULT_COUNT] = {
    [SANDBOX_FAULT_NONE] = { "none", FAULT_CALL, 0 }, SANDBOX_FAULT_TABLE(FAULT_ENTRY)
};
#undef FAULT_ENTRY

static const struct fault_kind *kind_of(enum sandbox_fault fault)
{
    CHECK(fault < SANDBOX_FAULT_COUNT);
    return &kinds[fault];
}

const char *fault_name(enum sandbox_fault fault)
{
    return kind_of(fault)->name;
}

enum fault_subject fault_subject(enum sandbox_fault fault)
{
    return kind_of(fault)->subject;
}

uint32_t fault_ms_default(enum sandbox_fault fault)
{
    return kind_of(fault)->ms;
}

bool fault_parse(struct str text, enum sandbox_fault *out_fault)
{
    for (unsigned fault = 1; fault < SANDBOX_FAULT_COUNT; fault++) {
        if (!str_equal(text, str_from(kinds[fault].name))) continue;
        *out_fault = (enum sandbox_fault)fault;
        return true;
    }
    return false;
}

void fault_plan_init(struct fault_plan *plan, uint64_t seed)
{
    *plan = (struct fault_plan){ .seed = seed };
}

enum status fault_rule_add(struct fault_plan *plan, const struct fault_rule *rule)
{
    CHECK(rule->fault > SANDBOX_FAULT_NONE);
    CHECK(rule->fault < SANDBOX_FAULT_COUNT);
    if (rule->per_mille > 1000 || rule->ms > FAULT_MS_MAX) return STATUS_INVALID;
    if (plan->rule_count == FAULT_RULES_MAX) return STATUS_LIMIT;
    struct fault_rule *added = &plan->rules[plan->rule_count++];
    *added = *rule;
    if (added->ms == 0) added->ms = fault_ms_default((enum sandbox_fault)rule->fault);
    added->came = 0;
    return STATUS_OK;
}

static bool rule_applies(const struct fault_rule *rule, const struct fault_case *event)
{
    if (fault_subject((enum sandbox_fault)rule->fault) != event->subject) return false;
    if (rule->times != 0 && rule->came >= rule->times) return false;
    if (rule->operation == event->operation) return true;
    return rule->operation == 0 && event->operation != FAULT_OPERATION_QUERY;
}

static bool rule_is_named(const struct fault_rule *rule)
{
    return !uuid_is_nil(rule->named.value);
}

/* How many cases of this kind there were before about the order, up to 255. */
static uint32_t case_count(struct fault_plan *plan, const struct fault_case *event)
{
    uint64_t place = hash_uuid(event->payment.value, event->step_number) % FAULT_COUNTERS;
    uint8_t *counter = &plan->counters[event->subject][place];
    uint32_t before = *counter;
    if (*counter < UINT8_MAX) (*counter)++;
    return before;
}

static struct fault_rule *rule_named(struct fault_plan *plan, const struct fault_case *event)
{
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        struct fault_rule *rule = &plan->rules[i];
        if (!rule_is_named(rule) || !rule_applies(rule, event)) continue;
        if (rule->named_step == event->step_number &&
            uuid_equal(rule->named.value, event->payment.value))
            return rule;
    }
    return NULL;
}

static struct fault_rule *rule_drawn(struct fault_plan *plan, const struct fault_case *event,
                                     uint32_t before)
{
    struct uuid mixed = event->payment.value;
    mixed.lo ^= (uint64_t)event->step_number << 32 | (uint64_t)event->subject << 16 | before;
    uint64_t draw = hash_uuid(mixed, plan->seed) % 1000;
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        struct fault_rule *rule = &plan->rules[i];
        if (rule_is_named(rule) || !rule_applies(rule, event)) continue;
        if (draw < rule->per_mille) return rule;
        draw -= rule->per_mille;
    }
    return NULL;
}

enum sandbox_fault fault_take(struct fault_plan *plan, const struct fault_case *event,
                              uint32_t *out_ms)
{
    CHECK(event->subject < FAULT_SUBJECT_COUNT);
    uint32_t before = case_count(plan, event);
    struct fault_rule *rule = rule_named(plan, event);
    if (rule == NULL && event->method_fault != SANDBOX_FAULT_NONE) {
        enum sandbox_fault fault = (enum sandbox_fault)event->method_fault;
        *out_ms = fault_ms_default(fault);
        if (fault_subject(fault) == event->subject && before == 0) return fault;
    }
    if (rule == NULL) rule = rule_drawn(plan, event, before);
    *out_ms = 0;
    if (rule == NULL) return SANDBOX_FAULT_NONE;
    rule->came++;
    *out_ms = rule->ms;
    return (enum sandbox_fault)rule->fault;
}

/* ---- the command line's words ---- */

/* Takes what stands before the mark, or all; the rest is what follows it. */
static struct str word_take(struct str *rest, char mark)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, mark, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    struct str word = { rest->data, len };
    size_t taken = end == NULL ? len : len + 1;
    *rest = (struct str){ rest->data + taken, rest->len - taken };
    return word;
}

static bool number_take(struct str text, uint32_t max, uint32_t *out_value)
{
    uint32_t value = 0;
    if (text.len == 0 || text.len > 7) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (value > max) return false;
    *out_value = value;
    return true;
}

static bool rule_take(struct str word, struct fault_rule *out_rule)
{
    struct str rest = word;
    struct str name = word_take(&rest, '=');
    struct str rate = word_take(&rest, ':');
    uint32_t per_mille = 0;
    uint32_t ms = 0;
    enum sandbox_fault fault;
    if (!fault_parse(name, &fault) || !number_take(rate, 1000, &per_mille)) return false;
    if (rest.len > 0 && !number_take(rest, FAULT_MS_MAX, &ms)) return false;
    *out_rule =
        (struct fault_rule){ .fault = (uint8_t)fault, .per_mille = (uint16_t)per_mille, .ms = ms };
    return true;
}

enum status fault_plan_parse(struct str text, struct fault_plan *plan, struct error *out_error)
{
    struct str rest = text;
    while (rest.len > 0) {
        struct str word = word_take(&rest, ',');
        struct fault_rule rule;
        if (!rule_take(word, &rule)) {
            enum status status =
                error_set(out_error, STATUS_INVALID, "'%.*s' is no fault", STR_ARG(word));
            error_hint(out_error,
                       "name=per_mille or name=per_mille:ms, as slow=100:250; rates "
                       "up to 1000, times up to %d ms",
                       FAULT_MS_MAX);
            return status;
        }
        if (fault_rule_add(plan, &rule) != STATUS_OK)
            return error_set(out_error, STATUS_INVALID, "more than %d faults", FAULT_RULES_MAX);
    }
    return STATUS_OK;
}
