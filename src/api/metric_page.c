/* Lanes tell the same families in nearly the same order: the next one is looked for where it should be. */
#include "api/metric_page.h"

#include <string.h>

#include "base/check.h"

enum { PART_SIZE_MAX = 4 << 20 };

/* A family in a part: its name, the lines of its head, those of its samples. */
struct family {
    struct str name;
    struct str head;
    struct str samples;
};

void metric_page_init(struct metric_page *page)
{
    page->count = 0;
}

void metric_page_free(struct metric_page *page)
{
    for (uint32_t i = 0; i < page->count; i++) buf_free(&page->parts[i].text);
    page->count = 0;
}

struct buf *metric_page_part(struct metric_page *page, uint32_t lane)
{
    CHECK(page->count < LANES_MAX);
    struct metric_part *part = &page->parts[page->count++];
    *part = (struct metric_part){ .lane = lane };
    buf_init(&part->text, PART_SIZE_MAX);
    return &part->text;
}

/* ---- Families of a part ---- */

static struct str text_of(const struct metric_part *part)
{
    return part->text.overflow ? (struct str){ "", 0 } : buf_view(&part->text);
}

static struct str rest_of(struct str text, size_t at)
{
    return (struct str){ text.data + at, text.len - at };
}

static size_t line_len(struct str text)
{
    const char *end = text.len == 0 ? NULL : memchr(text.data, '\n', text.len);
    return end == NULL ? text.len : (size_t)(end - text.data) + 1;
}

static bool is_head(struct str line)
{
    return str_starts(line, STR("# HELP "));
}

/* The family that begins at `at`; returns where the next one does. */
static size_t family_read(struct str text, size_t at, struct family *out_family)
{
    const struct str help = STR("# HELP ");
    struct str rest = rest_of(text, at);
    CHECK(is_head(rest));
    size_t len = help.len;
    while (len < rest.len && rest.data[len] != ' ') len++;
    out_family->name = (struct str){ rest.data + help.len, len - help.len };
    size_t head = line_len(rest);
    head += line_len(rest_of(rest, head)); /* # TYPE */
    size_t end = head;
    while (end < rest.len && !is_head(rest_of(rest, end))) end += line_len(rest_of(rest, end));
    out_family->head = (struct str){ rest.data, head };
    out_family->samples = (struct str){ rest.data + head, end - head };
    return at + end;
}

static bool family_find(struct metric_part *part, struct str name, struct family *out_family)
{
    struct str text = text_of(part);
    if (part->next < text.len) {
        size_t next = family_read(text, part->next, out_family);
        if (str_equal(out_family->name, name)) {
            part->next = next;
            return true;
        }
    }
    for (size_t at = 0; at < text.len;) {
        at = family_read(text, at, out_family);
        if (!str_equal(out_family->name, name)) continue;
        part->next = at;
        return true;
    }
    return false;
}

/* ---- The page ---- */

static void sample_write(struct str line, uint32_t lane, struct buf *out_page)
{
    size_t name = 0;
    while (name < line.len && line.data[name] != '{' && line.data[name] != ' ') name++;
    bool labels = name < line.len && line.data[name] == '{';
    buf_append_str(out_page, (struct str){ line.data, name });
    buf_append_format(out_page, "{lane=\"%u\"%s", lane, labels ? "," : "}");
    buf_append_str(out_page, rest_of(line, labels ? name + 1 : name));
}

static void samples_write(struct str samples, uint32_t lane, struct buf *out_page)
{
    while (samples.len > 0) {
        size_t len = line_len(samples);
        sample_write((struct str){ samples.data, len }, lane, out_page);
        samples = rest_of(samples, len);
    }
}

/* Of a family that part `first` is the first to have. */
static void family_write(struct metric_page *page, uint32_t first, const struct family *family,
                         struct buf *out_page)
{
    buf_append_str(out_page, family->head);
    samples_write(family->samples, page->parts[first].lane, out_page);
    for (uint32_t i = first + 1; i < page->count; i++) {
        struct family same;
        if (!family_find(&page->parts[i], family->name, &same)) continue;
        samples_write(same.samples, page->parts[i].lane, out_page);
    }
}

void metric_page_write(struct metric_page *page, struct buf *out_page)
{
    for (uint32_t first = 0; first < page->count; first++) {
        for (uint32_t i = 0; i < page->count; i++) page->parts[i].next = 0;
        struct str text = text_of(&page->parts[first]);
        for (size_t at = 0; at < text.len;) {
            struct family family;
            struct family before;
            bool told = false;
            at = family_read(text, at, &family);
            for (uint32_t i = 0; i < first && !told; i++)
                told = family_find(&page->parts[i], family.name, &before);
            if (!told) family_write(page, first, &family, out_page);
        }
    }
}
