/*
 * Goal: no line of a log makes the reading crash; every view lies in the line or the arena.
 * Method: the input as one line, all of its values read, and tried as times.
 */
#include "doctor/log_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct log_line line;
    if (size > LOG_LINE_SIZE_MAX) return 0;
    if (arena_init(&arena, 3 * size + (64 << 10)) != STATUS_OK) return 0;
    if (log_line_parse((struct str){ (const char *)data, size }, &arena, &line) == STATUS_OK) {
        for (uint32_t i = 0; i < line.count; i++) {
            struct wall_time at;
            (void)log_line_time(line.pairs[i].value, &at); /* a time or not */
        }
    }
    arena_done(&arena);
    return 0;
}
