/* sandbox_desk.h - the sandbox's HTTP without sockets: a call in, an answer and its faults out. */
#ifndef ADAPTER_SANDBOX_DESK_H
#define ADAPTER_SANDBOX_DESK_H

#include "adapter/sandbox_form.h"
#include "base/json_writer.h"
#include "port/api_call.h"
#include "sandbox/sandbox.h"

struct sandbox_hooks;

/*
 * One task at a time: the server holds a lock around desk_serve(). The wire is docs/sandbox.md;
 * what stands under /v1/ is the Stripe subset.
 */
enum { DESK_SCRATCH_SIZE = 256 << 10, DESK_BODY_SIZE_MAX = 64 << 10, DESK_PAGE_MAX = 1000 };

struct sandbox_desk {
    struct sandbox *sandbox;
    struct sandbox_hooks *hooks; /* NULL: no webhooks are sent */
    struct str authorization;    /* "Bearer KEY", outlives the desk */
    int64_t ahead_ns;            /* how far its clock was moved */
    struct arena arena;          /* of the call being served */
    uint8_t scratch[DESK_SCRATCH_SIZE];
};

/* One call. The parameters are the variable parts of its path, decoded. */
struct desk_call {
    struct sandbox_desk *desk;
    struct api_call *api;
    struct str parameter;
    uint32_t wait_ms; /* the answer is to wait so long */
    bool stripe;      /* errors are Stripe's */
};

typedef void (*desk_handler)(struct desk_call *call);

struct desk_route {
    enum api_method method;
    const char *path; /* "*" is one segment: the parameter */
    desk_handler handler;
};

/* Serves it whole; returns how many ms the answer is to wait. The books are at `now` before. */
uint32_t desk_serve(struct sandbox_desk *desk, struct api_call *api);
/* As api_service.refuse has it, in the wire's form. */
void desk_refuse(struct api_call *api, unsigned status, const char *code, const char *detail);

/* ---- for the routes' files ---- */

/* An error in the wire's form. */
void desk_error(struct desk_call *call, unsigned status, const char *code, const char *message);
/* Begins the answer 200 application/json; end with desk_json_end(). */
void desk_json(struct desk_call *call, struct json_writer *out_writer);
void desk_json_end(struct json_writer *writer);
void desk_header(struct desk_call *call, const char *name, const char *value);
/* Fields of the writer's object. */
void desk_text(struct json_writer *writer, struct str key, struct str value);
void desk_number(struct json_writer *writer, struct str key, uint64_t value);
void desk_money(struct json_writer *writer, struct str key, struct money amount, uint32_t asset);
void desk_time(struct json_writer *writer, struct str key, struct wall_time at);
struct str desk_asset_code(uint32_t asset);

/*
 * Around an order: false when a fault answers before the effect. After it, the answer is written,
 * and desk_fault_after() spoils it.
 */
struct desk_fault {
    enum sandbox_fault fault;
    uint32_t ms;
};
bool desk_fault_before(struct desk_call *call, const struct psp_order *order,
                       struct desk_fault *out_fault);
/* The same for a look at an order. */
bool desk_fault_query(struct desk_call *call, struct payment_id payment, uint32_t step_number,
                      struct desk_fault *out_fault);
void desk_fault_after(struct desk_call *call, const struct desk_fault *fault);
/* Whether a query about the item is to be answered as if it were not there. */
bool desk_is_blind(struct desk_call *call, uint32_t item);

#endif
