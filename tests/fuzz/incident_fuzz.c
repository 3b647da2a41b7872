/*
 * Goal: no bytes make the reading of a ticket or of an expert's finding crash or loop, and a ticket
 * that was read and written is read again as the same.
 * Method: the first byte chooses the reader; the rest is its input.
 */
#include "base/check.h"
#include "doctor/finding.h"
#include "doctor/incident.h"

enum { ARENA_SIZE = INCIDENT_SIZE_MAX + 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void incident_again(const struct incident *incident)
{
    static struct incident again;
    struct arena arena;
    struct error error;
    BUF_SCOPE struct buf first;
    BUF_SCOPE struct buf second;
    buf_init(&first, INCIDENT_SIZE_MAX);
    buf_init(&second, INCIDENT_SIZE_MAX);
    incident_json(incident, &first);
    if (first.overflow) return; /* escapes are longer than what they stand for */
    CHECK(arena_init(&arena, ARENA_SIZE) == STATUS_OK);
    CHECK(incident_parse(buf_view(&first), &arena, &again, &error) == STATUS_OK);
    incident_json(&again, &second);
    CHECK(str_equal(buf_view(&first), buf_view(&second)));
    arena_done(&arena);
}

static void incident_take(struct str text)
{
    static struct incident incident;
    struct arena arena;
    struct error error;
    CHECK(arena_init(&arena, ARENA_SIZE) == STATUS_OK);
    if (incident_parse(text, &arena, &incident, &error) == STATUS_OK) incident_again(&incident);
    arena_done(&arena);
}

static void finding_take(struct str note)
{
    struct finding_note finding;
    struct error error;
    if (finding_read(note, &finding, &error) == STATUS_OK)
        CHECK(finding_text_is_valid(finding.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > (1 << 20)) return 0;
    struct str input = { (const char *)data + 1, size - 1 };
    if (data[0] % 2 == 0)
        incident_take(input);
    else
        finding_take(input);
    return 0;
}
