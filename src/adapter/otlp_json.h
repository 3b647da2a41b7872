/* otlp_json.h - the JSON form of OTLP: what spans and log records have in common. */
#ifndef ADAPTER_OTLP_JSON_H
#define ADAPTER_OTLP_JSON_H

#include "base/json_writer.h"
#include "base/time.h"

/* One entry of an array of attributes. */
void otlp_attribute_text(struct json_writer *writer, struct str key, struct str text);
void otlp_attribute_number(struct json_writer *writer, struct str key, int64_t number);

/* A member whose value is `count` words as hexadecimal digits: 2 for a trace, 1 for a span. */
void otlp_member_hex(struct json_writer *writer, struct str key, const uint64_t *words,
                     size_t count);
void otlp_member_time(struct json_writer *writer, struct str key, struct wall_time time);

/* The member "resource": service.name and service.version. */
void otlp_resource(struct json_writer *writer, struct str version);
/* The member "scope". */
void otlp_scope(struct json_writer *writer, struct str name);

#endif
