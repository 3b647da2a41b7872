/*
 * Goal: no plan, policy, approval or diagnosis makes the reading crash; a plan that is read is the
 * one text of itself.
 * Method: the input as each of the four; what was read as a plan is written again and compared.
 */
#include <stdlib.h>

#include "doctor/approval.h"
#include "doctor/plan_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct repair_policy policy;
    static struct plan_diagnosis diagnosis;
    struct str text = { (const char *)data, size };
    struct arena arena;
    struct repair_plan plan;
    struct approval approval;
    struct error error;
    if (arena_init(&arena, 8 * size + (16 << 20)) != STATUS_OK) return 0;
    if (repair_plan_parse(text, &arena, &plan, &error) == STATUS_OK) {
        BUF_SCOPE struct buf again;
        buf_init(&again, PLAN_SIZE_MAX);
        repair_plan_json(&plan, &again);
        if (!str_equal(buf_view(&again), text)) abort();
    }
    arena_reset(&arena);
    if (plan_diagnosis_parse(text, &arena, &diagnosis, &error) == STATUS_OK &&
        repair_plan_make(&diagnosis, &arena, &plan, &error) == STATUS_OK)
        for (uint32_t i = 0; i < plan.step_count; i++)
            if (plan_step_is_ours(plan.steps[i].kind)) abort(); /* no row was traced */
    if (repair_policy_parse(text, &policy, &error) == STATUS_OK && policy.confirmed < 2) abort();
    if (approval_read(text, &approval, &error) == STATUS_OK && approval.incident.len == 0) abort();
    arena_done(&arena);
    return 0;
}
