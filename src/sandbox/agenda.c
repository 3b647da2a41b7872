#include "sandbox/agenda.h"

#include "base/check.h"
#include "base/reserve.h"

enum status agenda_init(struct agenda *agenda, uint64_t entries_max)
{
    CHECK(entries_max > 0);
    CHECK(entries_max <= UINT32_MAX);
    *agenda = (struct agenda){ .entries_max = entries_max };
    agenda->heap = reserve_new(entries_max * sizeof *agenda->heap);
    return agenda->heap == NULL ? STATUS_LIMIT : STATUS_OK;
}

void agenda_free(struct agenda *agenda)
{
    reserve_free(agenda->heap, agenda->entries_max * sizeof *agenda->heap);
    *agenda = (struct agenda){ 0 };
}

static bool entry_before(const struct agenda_entry *a, const struct agenda_entry *b)
{
    if (a->due.ns != b->due.ns) return a->due.ns < b->due.ns;
    return a->number < b->number;
}

void agenda_add(struct agenda *agenda, struct wall_time due, uint32_t subject, uint32_t what)
{
    CHECK(agenda->count < agenda->entries_max);
    const struct agenda_entry added = { due, ++agenda->added, subject, what };
    uint64_t at = agenda->count++;
    while (at > 0) {
        uint64_t parent = (at - 1) / 2;
        if (!entry_before(&added, &agenda->heap[parent])) break;
        agenda->heap[at] = agenda->heap[parent];
        at = parent;
    }
    agenda->heap[at] = added;
}

const struct agenda_entry *agenda_first(const struct agenda *agenda)
{
    return agenda->count == 0 ? NULL : &agenda->heap[0];
}

struct agenda_entry agenda_take(struct agenda *agenda)
{
    CHECK(agenda->count > 0);
    struct agenda_entry taken = agenda->heap[0];
    struct agenda_entry moved = agenda->heap[--agenda->count];
    uint64_t at = 0;
    for (;;) {
        uint64_t child = 2 * at + 1;
        if (child >= agenda->count) break;
        if (child + 1 < agenda->count &&
            entry_before(&agenda->heap[child + 1], &agenda->heap[child]))
            child++;
        if (!entry_before(&agenda->heap[child], &moved)) break;
        agenda->heap[at] = agenda->heap[child];
        at = child;
    }
    agenda->heap[at] = moved;
    return taken;
}

enum status agenda_check(const struct agenda *agenda)
{
    for (uint64_t i = 1; i < agenda->count; i++)
        if (entry_before(&agenda->heap[i], &agenda->heap[(i - 1) / 2])) return STATUS_CORRUPT;
    return agenda->count <= agenda->entries_max ? STATUS_OK : STATUS_CORRUPT;
}
