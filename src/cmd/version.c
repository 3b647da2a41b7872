/* tpwallet version: what was built, and what it can read and write. */
#include "cmd/version.h"

#include "adapter/sqlite_journal.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/render.h"
#include "cmd/report.h"
#include "model/record.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define SANITIZER "thread"
#else
#define SANITIZER "none"
#endif

#ifdef __OPTIMIZE__
#define OPTIMIZED true
#else
#define OPTIMIZED false
#endif

static int version_run(struct invocation *invocation)
{
    BUF_SCOPE struct buf json;
    BUF_SCOPE struct buf text;
    buf_init(&json, 4096);
    buf_init(&text, 4096);
    struct json_writer writer;
    json_writer_init(&writer, &json);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("name"));
    json_write_string(&writer, STR("tpwallet"));
    json_write_key(&writer, STR("version"));
    json_write_string(&writer, STR(TPWALLET_VERSION));
    json_write_key(&writer, STR("compiler"));
    json_write_string(&writer, STR(COMPILER));
    json_write_key(&writer, STR("optimized"));
    json_write_bool(&writer, OPTIMIZED);
    json_write_key(&writer, STR("sanitizer"));
    json_write_string(&writer, STR(SANITIZER));
    json_write_key(&writer, STR("batch_version"));
    json_write_uint64(&writer, BATCH_VERSION);
    json_write_key(&writer, STR("journal_version"));
    json_write_uint64(&writer, JOURNAL_VERSION);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    if (invocation->json) {
        buf_append_byte(&json, '\n');
        return report_text(invocation, buf_view(&json));
    }
    CHECK(render_object(buf_view(&json), &text) == STATUS_OK);
    return report_text(invocation, buf_view(&text));
}

const struct command command_version = {
    .name = "version",
    .summary = "show the version and how it was built",
    .examples = "version\nversion --json",
    .run = version_run,
};
