#include "doctor/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

typedef unsigned __int128 weight;

/* Findings of a group that the same candidates explain. */
struct class
{
    uint64_t who;
    weight money;
    uint32_t count;
};

struct cost {
    weight money;
    uint32_t count;
    uint32_t missing;
    uint32_t faults;
    uint32_t instances;
    uint32_t unknown;
    uint32_t description;
};

struct group {
    struct candidate *members[SELECT_GROUP_MAX];
    uint32_t member_count;
    struct class *classes;
    uint32_t class_count;
};

/* ---- groups: candidates that share a finding, directly or through others ---- */

static uint32_t root_of(uint32_t *parents, uint32_t at)
{
    while (parents[at] != at) {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    return at;
}

static void join_groups(const struct candidate *candidates, uint32_t count, uint32_t *parents,
                        uint32_t *first_of)
{
    for (uint32_t i = 0; i < count; i++) parents[i] = i;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < candidates[i].explain_count; k++) {
            uint32_t *first = &first_of[candidates[i].explains[k]];
            if (*first == UINT32_MAX) {
                *first = i;
                continue;
            }
            uint32_t a = root_of(parents, *first);
            uint32_t b = root_of(parents, i);
            parents[a < b ? b : a] = a < b ? a : b;
        }
    }
}

/* ---- the cost of a choice ---- */

static struct cost cost_of(const struct group *group, uint64_t chosen)
{
    struct cost cost = { 0 };
    for (uint32_t c = 0; c < group->class_count; c++) {
        if ((group->classes[c].who & chosen) != 0) continue;
        cost.money += group->classes[c].money;
        cost.count += group->classes[c].count;
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        if ((chosen >> i & 1) == 0) continue;
        const struct candidate *member = group->members[i];
        bool again = false;
        for (uint32_t k = 0; k < i; k++) {
            again = again || ((chosen >> k & 1) != 0 && group->members[k]->rule == member->rule);
        }
        cost.missing += member->missing;
        cost.faults += !again;
        cost.instances++;
        cost.unknown += member->unknown;
        cost.description += member->description;
    }
    return cost;
}

/* Without the description, on which only the order of what is shown depends. */
static int compare_costs(const struct cost *a, const struct cost *b)
{
    if (a->money != b->money) return a->money < b->money ? -1 : 1;
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    if (a->missing != b->missing) return a->missing < b->missing ? -1 : 1;
    if (a->faults != b->faults) return a->faults < b->faults ? -1 : 1;
    if (a->instances != b->instances) return a->instances < b->instances ? -1 : 1;
    return (a->unknown > b->unknown) - (a->unknown < b->unknown);
}

static void mark(struct group *group, uint64_t chosen, uint64_t rivals)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        group->members[i]->selected = (chosen >> i & 1) != 0;
        group->members[i]->rival = (rivals >> i & 1) != 0;
    }
}

/* Choices in ascending order of their bits, so the first of equals has the lowest places. */
static void try_all(struct group *group)
{
    uint64_t best = 0;
    uint64_t rivals = 0;
    struct cost least = cost_of(group, 0);
    for (uint64_t chosen = 1; chosen < UINT64_C(1) << group->member_count; chosen++) {
        struct cost cost = cost_of(group, chosen);
        int order = compare_costs(&cost, &least);
        if (order > 0) continue;
        if (order < 0) rivals = 0;
        if (order < 0 || cost.description < least.description) {
            if (order == 0) rivals |= best;
            best = chosen;
            least = cost;
        } else {
            rivals |= chosen;
        }
    }
    mark(group, best, rivals & ~best);
}

static void try_greedily(struct group *group)
{
    uint64_t chosen = 0;
    struct cost least = cost_of(group, 0);
    for (bool better = true; better;) {
        better = false;
        uint64_t best = chosen;
        for (uint32_t i = 0; i < group->member_count; i++) {
            struct cost cost = cost_of(group, chosen | UINT64_C(1) << i);
            if ((chosen >> i & 1) != 0 || compare_costs(&cost, &least) >= 0) continue;
            least = cost;
            best = chosen | UINT64_C(1) << i;
            better = true;
        }
        chosen = best;
    }
    mark(group, chosen, 0);
}

/* ---- classes ---- */

struct mention {
    uint32_t finding;
    uint32_t member;
};

static int by_finding(const void *left, const void *right)
{
    const struct mention *a = left;
    const struct mention *b = right;
    if (a->finding != b->finding) return a->finding < b->finding ? -1 : 1;
    return (a->member > b->member) - (a->member < b->member);
}

static void add_to_class(struct group *group, uint64_t who, weight money)
{
    for (uint32_t c = 0; c < group->class_count; c++) {
        if (group->classes[c].who != who) continue;
        group->classes[c].money += money;
        group->classes[c].count++;
        return;
    }
    group->classes[group->class_count++] = (struct class){ who, money, 1 };
}

static enum status make_classes(struct group *group, const weight *weights, struct arena *arena)
{
    size_t mention_count = 0;
    for (uint32_t i = 0; i < group->member_count; i++) {
        mention_count += group->members[i]->explain_count;
    }
    struct mention *mentions = arena_take_array(arena, mention_count, sizeof *mentions);
    group->classes = arena_take_array(arena, mention_count, sizeof *group->classes);
    if (mentions == NULL || group->classes == NULL) return STATUS_LIMIT;
    size_t at = 0;
    for (uint32_t i = 0; i < group->member_count; i++) {
        const struct candidate *member = group->members[i];
        for (uint32_t k = 0; k < member->explain_count; k++) {
            mentions[at++] = (struct mention){ member->explains[k], i };
        }
    }
    qsort(mentions, mention_count, sizeof *mentions, by_finding);
    for (size_t i = 0; i < mention_count;) {
        uint64_t who = 0;
        uint32_t finding = mentions[i].finding;
        for (; i < mention_count && mentions[i].finding == finding; i++) {
            who |= UINT64_C(1) << mentions[i].member;
        }
        add_to_class(group, who, weights[finding]);
    }
    return STATUS_OK;
}

static enum status decide(struct group *group, const weight *weights, struct arena *arena,
                          bool *out_cut)
{
    struct arena_mark ARENA_SCOPE here = arena_mark(arena);
    enum status status = make_classes(group, weights, arena);
    if (status != STATUS_OK) return status;
    if (group->member_count <= SELECT_EXACT_MAX) {
        try_all(group);
    } else {
        *out_cut = true;
        try_greedily(group);
    }
    return STATUS_OK;
}

enum status select_causes(struct candidate *candidates, uint32_t count, const weight *weights,
                          uint32_t finding_count, struct arena *arena, bool *out_cut)
{
    struct arena_mark ARENA_SCOPE here = arena_mark(arena);
    uint32_t *parents = arena_take_array(arena, (size_t)count + 1, sizeof *parents);
    uint32_t *first_of = arena_take_array(arena, (size_t)finding_count + 1, sizeof *first_of);
    if (parents == NULL || first_of == NULL) return STATUS_LIMIT;
    memset(first_of, 0xff, ((size_t)finding_count + 1) * sizeof *first_of);
    join_groups(candidates, count, parents, first_of);
    *out_cut = false;
    enum status status = STATUS_OK;
    for (uint32_t root = 0; status == STATUS_OK && root < count; root++) {
        if (root_of(parents, root) != root || candidates[root].explain_count == 0) continue;
        struct group group = { .member_count = 0 };
        for (uint32_t i = root; i < count; i++) {
            if (root_of(parents, i) != root) continue;
            if (group.member_count == SELECT_GROUP_MAX) {
                *out_cut = true;
                break;
            }
            group.members[group.member_count++] = &candidates[i];
        }
        status = decide(&group, weights, arena, out_cut);
    }
    return status;
}
