/* tpwallet init: a new, empty ledger. */
#include "adapter/data_folder.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/report.h"

static int init_run(struct invocation *invocation)
{
    struct error error;
    enum status status = data_folder_create(invocation->data, &error);
    if (status == STATUS_CONFLICT)
        error_hint(&error, "a ledger that is there stays; name another folder with --data DIR");
    if (status != STATUS_OK) return report_error(invocation, &error);

    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("folder"));
        json_write_string(&writer, str_from(invocation->data));
        json_write_key(&writer, STR("format"));
        json_write_uint64(&writer, DATA_FOLDER_FORMAT);
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        const char *folder = invocation->data;
        buf_append_format(&out,
                          "made an empty ledger in %s\n\nnext:\n"
                          "  tpwallet --data %s key create admin\n"
                          "  tpwallet --data %s serve --plain\n"
                          "  tpwallet --data %s account create shop:alice\n",
                          folder, folder, folder, folder);
    }
    return report_text(invocation, buf_view(&out));
}

const struct command command_init = {
    .name = "init",
    .summary = "make a data folder with an empty ledger in it",
    .details = "The folder must be absent or empty. It is for its owner alone (mode 0700). "
               "Without --data it is $TPWALLET_DATA, or ./tpwallet-data.",
    .examples = "init\ninit --data /var/lib/tpwallet",
    .run = init_run,
};
