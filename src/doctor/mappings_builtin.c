/* The files of doctor/mappings, put together by tools/rules.py: each behind a line "%file NAME.json". */
#include "doctor/mappings_builtin.h"

__asm__(".section .rodata\n"
        ".global mappings_text_start\n"
        ".global mappings_text_end\n"
        "mappings_text_start:\n"
        ".incbin \"" MAPPINGS_TEXT "\"\n"
        "mappings_text_end:\n"
        ".byte 0\n"
        ".text\n");

extern const char mappings_text_start[];
extern const char mappings_text_end[];

struct str mappings_builtin(void)
{
    return (struct str){ mappings_text_start, (size_t)(mappings_text_end - mappings_text_start) };
}

bool mappings_builtin_next(struct str *rest, struct str *out_name, struct str *out_text)
{
    static const char mark[] = "%file ";
    static const char extension[] = ".json";
    struct str line;
    if (!str_take_line(rest, &line)) return false;
    size_t around = sizeof mark - 1 + sizeof extension - 1;
    *out_name = (struct str){ line.data + sizeof mark - 1, line.len - around };
    *out_text = (struct str){ rest->data, 0 };
    while (!str_starts(*rest, str_from(mark)) && str_take_line(rest, &line))
        out_text->len = (size_t)(rest->data - out_text->data);
    return true;
}

bool mappings_builtin_find(struct str name, struct str *out_text)
{
    struct str rest = mappings_builtin();
    struct str found;
    while (mappings_builtin_next(&rest, &found, out_text))
        if (str_equal(found, name)) return true;
    return false;
}
