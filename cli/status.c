// SPDX-License-Identifier: Apache-2.0
/* Counters of all layers to one JSON object. Scripts rely on the names (man hffs-status). */
#include "status_int.h"

#include <inttypes.h>
#include <unistd.h>

#include <hffs/clock.h>

static void add_u64(struct buf *out, const char *key, uint64_t value)
{
	buf_addf(out, "\"%s\":%" PRIu64 ",", key, value);
}

static void add_text(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "\"%s\":", key);
	buf_add_json(out, value);
	buf_addc(out, ',');
}

/* Begins an object, or ends one: the comma behind its last member goes. */
static void begin_object(struct buf *out, const char *key)
{
	buf_addf(out, "\"%s\":{", key);
}

static void end_object(struct buf *out)
{
	if (!out->failed && out->len && out->data[out->len - 1] == ',')
		out->data[--out->len] = '\0';
	buf_addc(out, '}');
}

/* The later one of what the Hub and what the mount last ran into. */
static void add_last_error(struct buf *out, const struct hub_stats *hub, const struct mount_stats *mount)
{
	bool of_mount = mount->last_error_s > hub->last_error_s;
	int64_t at_s = of_mount ? mount->last_error_s : hub->last_error_s;

	if (at_s == 0) {
		buf_adds(out, "\"last_error\":null,\"last_error_s\":null,");
		return;
	}
	add_text(out, "last_error", of_mount ? mount->last_error : hub->last_error);
	add_u64(out, "last_error_s", (uint64_t)at_s);
}

static void add_faults(struct buf *out, const struct hub_stats *hub)
{
	static const char *const kinds[ARRAY_SIZE(hub->faults)] = {
		[FAULT_NETWORK] = "network", [FAULT_TIMEOUT] = "timeout", [FAULT_RATE] = "rate",	   [FAULT_SERVER] = "server",
		[FAULT_AUTH] = "auth",	     [FAULT_ABSENT] = "absent",	  [FAULT_MALFORMED] = "malformed", [FAULT_OTHER] = "other",
	};

	begin_object(out, "faults");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		add_u64(out, kinds[i], hub->faults[i]);
	end_object(out);
	buf_addc(out, ',');
}

static void add_hub(struct buf *out, const struct status_source *s, const struct mount_stats *mount)
{
	struct hub_stats hub = {0};

	hub_stats(fetch_hub(s->fetch), &hub);
	add_u64(out, "requests", hub.requests);
	add_u64(out, "bytes_fetched", hub.bytes_fetched);
	add_u64(out, "bytes_per_s", hub.bytes_per_s);
	add_u64(out, "connections", hub.connections);
	add_u64(out, "pause_ms", hub_pause_left_ms(fetch_hub(s->fetch)));
	buf_addf(out, "\"offline\":%s,", hub_is_offline(fetch_hub(s->fetch)) ? "true" : "false");
	add_last_error(out, &hub, mount);
	add_faults(out, &hub);
}

static void add_cache(struct buf *out, const struct status_source *s)
{
	struct cache_stats cache = {0};

	cache_stats(fetch_cache(s->fetch), &cache);
	add_u64(out, "bytes_cached", cache.bytes_cached);
	begin_object(out, "cache");
	add_text(out, "dir", s->config->cache);
	add_u64(out, "size_max", cache.size_max);
	add_u64(out, "keep_free", cache.keep_free);
	add_u64(out, "disk_free", cache.disk_free);
	add_u64(out, "disk_size", cache.disk_size);
	add_u64(out, "bytes_pinned", cache.bytes_pinned);
	add_u64(out, "bytes_held", cache.bytes_held);
	add_u64(out, "blobs", cache.blobs);
	add_u64(out, "blobs_sealed", cache.blobs_sealed);
	add_u64(out, "evicted_bytes", cache.evicted_bytes);
	add_u64(out, "proven_blobs", cache.proven_blobs);
	add_u64(out, "spoiled_blobs", cache.spoiled_blobs);
	add_u64(out, "lost_chunks", cache.lost_chunks);
	add_u64(out, "write_errors", cache.write_errors);
	end_object(out);
	buf_addc(out, ',');
}

static void add_fetch(struct buf *out, const struct status_source *s)
{
	struct fetch_stats fetch = {0};

	fetch_stats(s->fetch, &fetch);
	add_u64(out, "chunks_in_flight", fetch.chunks_in_flight);
	add_u64(out, "readers_parked", fetch.readers_parked);
	add_u64(out, "blobs_open", fetch.blobs_open);
	add_u64(out, "read_hits", fetch.read_hits);
	add_u64(out, "read_misses", fetch.read_misses);
	add_u64(out, "buffers_used", fetch.buffers_used);
	add_u64(out, "buffers_max", fetch.buffers_max);
	add_u64(out, "chunks_bypassed", fetch.chunks_bypassed);
}

static void add_mount(struct buf *out, const struct mount_stats *mount)
{
	begin_object(out, "mount");
	add_u64(out, "lookups", mount->lookups);
	add_u64(out, "reads", mount->reads);
	add_u64(out, "bytes_read", mount->bytes_read);
	add_u64(out, "open_files", mount->open_files);
	add_u64(out, "nodes", mount->nodes);
	add_u64(out, "parked", mount->parked);
	buf_addf(out, "\"passthrough\":%s,", mount->passthrough ? "true" : "false");
	end_object(out);
}

static void add_patterns(struct buf *out, const char *key, const struct patterns *p)
{
	buf_addf(out, "\"%s\":[", key);
	for (size_t i = 0; i < p->nr; i++) {
		buf_adds(out, i ? "," : "");
		buf_add_json(out, p->list[i]);
	}
	buf_adds(out, "],");
}

/* What narrows the view; nothing of it where nothing does. */
static void add_rules(struct buf *out, const struct config *c)
{
	if (c->lock)
		add_text(out, "lock", c->lock);
	if (c->safe)
		buf_adds(out, "\"safe\":true,");
	if (c->filter.allow.nr)
		add_patterns(out, "allow", &c->filter.allow);
	if (c->filter.deny.nr)
		add_patterns(out, "deny", &c->filter.deny);
}

void status_format(const struct status_source *s, struct buf *out)
{
	struct mount_stats mount = {0};

	mount_stats(s->mount, &mount);
	buf_addc(out, '{');
	add_text(out, "dir", s->dir);
	add_text(out, "source", s->source);
	add_rules(out, s->config);
	add_text(out, "endpoint", hub_endpoint(fetch_hub(s->fetch)));
	add_u64(out, "pid", (uint64_t)getpid());
	add_text(out, "version", HFFS_VERSION);
	add_u64(out, "uptime_s", (clock_mono_ms() - s->started_ms) / 1000);
	add_hub(out, s, &mount);
	add_cache(out, s);
	add_fetch(out, s);
	add_mount(out, &mount);
	buf_addc(out, '}');
}
