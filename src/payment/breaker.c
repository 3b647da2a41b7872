#include "payment/breaker.h"

#include <string.h>

#include "base/check.h"

#define NAME_ENTRY(name, value, text) [value] = text,

const char *breaker_state_name(unsigned state)
{
    static const char *const names[] = { BREAKER_STATE_TABLE(NAME_ENTRY) };
    return state < sizeof names / sizeof names[0] ? names[state] : NULL;
}

static uint32_t or_usual(uint32_t value, uint32_t usual)
{
    return value > 0 ? value : usual;
}

void breaker_init(struct breaker *breaker, const struct breaker_options *options,
                  struct monotonic_time now)
{
    memset(breaker, 0, sizeof *breaker);
    breaker->options = (struct breaker_options){
        .window_ms = or_usual(options->window_ms, 30000),
        .calls_min = or_usual(options->calls_min, 10),
        .failure_percent = or_usual(options->failure_percent, 50),
        .open_ms = or_usual(options->open_ms, 10000),
        .probes = or_usual(options->probes, 3),
    };
    CHECK(breaker->options.window_ms >= BREAKER_SLOTS);
    CHECK(breaker->options.failure_percent <= 100);
    breaker->since = now;
}

static bool passed(struct monotonic_time since, uint32_t ms, struct monotonic_time now)
{
    return now.ns - since.ns >= (int64_t)ms * NS_PER_MS;
}

static int64_t slot_number(const struct breaker *breaker, struct monotonic_time now)
{
    int64_t slot_ns = (int64_t)breaker->options.window_ms * NS_PER_MS / BREAKER_SLOTS;
    return now.ns / slot_ns;
}

/* The sum of what lies in the window that ends now. */
static struct breaker_slot window_sum(const struct breaker *breaker, struct monotonic_time now)
{
    struct breaker_slot sum = { .number = slot_number(breaker, now) };
    for (int i = 0; i < BREAKER_SLOTS; i++) {
        const struct breaker_slot *slot = &breaker->slots[i];
        if (sum.number - slot->number >= BREAKER_SLOTS) continue;
        sum.calls += slot->calls;
        sum.failures += slot->failures;
    }
    return sum;
}

static void state_set(struct breaker *breaker, enum breaker_state state, struct monotonic_time now)
{
    breaker->state = (uint8_t)state;
    breaker->since = now;
    breaker->probes_out = 0;
    breaker->probes_good = 0;
    if (state == BREAKER_OPEN) breaker->opened++;
    if (state == BREAKER_CLOSED) memset(breaker->slots, 0, sizeof breaker->slots);
}

enum breaker_state breaker_state_at(const struct breaker *breaker, struct monotonic_time now)
{
    if (breaker->state == BREAKER_OPEN && passed(breaker->since, breaker->options.open_ms, now))
        return BREAKER_HALF_OPEN;
    return (enum breaker_state)breaker->state;
}

bool breaker_allow(struct breaker *breaker, struct monotonic_time now)
{
    enum breaker_state state = breaker_state_at(breaker, now);
    if (state != breaker->state) state_set(breaker, state, now);
    if (state == BREAKER_CLOSED) return true;
    if (state == BREAKER_OPEN) return false;
    if (breaker->probes_out > 0 && passed(breaker->probe_at, breaker->options.open_ms, now))
        breaker->probes_out = 0;
    if (breaker->probes_out >= breaker->options.probes) return false;
    breaker->probes_out++;
    breaker->probe_at = now;
    return true;
}

static void count_add(struct breaker *breaker, bool failed, struct monotonic_time now)
{
    int64_t number = slot_number(breaker, now);
    struct breaker_slot *slot = &breaker->slots[number % BREAKER_SLOTS];
    if (slot->number != number) *slot = (struct breaker_slot){ .number = number };
    slot->calls++;
    if (failed) slot->failures++;
}

static void probe_report(struct breaker *breaker, bool failed, struct monotonic_time now)
{
    if (breaker->probes_out > 0) breaker->probes_out--;
    breaker->probes_good++;
    if (failed) {
        state_set(breaker, BREAKER_OPEN, now);
    } else if (breaker->probes_good >= breaker->options.probes) {
        state_set(breaker, BREAKER_CLOSED, now);
    }
}

void breaker_report(struct breaker *breaker, bool failed, struct monotonic_time now)
{
    count_add(breaker, failed, now);
    if (breaker->state == BREAKER_HALF_OPEN) probe_report(breaker, failed, now);
    if (breaker->state != BREAKER_CLOSED) return; /* late news of calls from before it opened */
    struct breaker_slot sum = window_sum(breaker, now);
    if (sum.calls < breaker->options.calls_min) return;
    uint64_t percent = (uint64_t)sum.failures * 100;
    if (percent >= (uint64_t)sum.calls * breaker->options.failure_percent)
        state_set(breaker, BREAKER_OPEN, now);
}

uint32_t breaker_success_per_mille(const struct breaker *breaker, struct monotonic_time now)
{
    struct breaker_slot sum = window_sum(breaker, now);
    if (sum.calls == 0) return 1000;
    return (uint32_t)((uint64_t)(sum.calls - sum.failures) * 1000 / sum.calls);
}

void breaker_check(const struct breaker *breaker)
{
    CHECK(breaker->state < BREAKER_STATE_END);
    CHECK(breaker->probes_out <= breaker->options.probes);
    CHECK(breaker->probes_good < breaker->options.probes || breaker->probes_good == 0);
    CHECK(breaker->state == BREAKER_HALF_OPEN || breaker->probes_out == 0);
    for (int i = 0; i < BREAKER_SLOTS; i++)
        CHECK(breaker->slots[i].failures <= breaker->slots[i].calls);
}
