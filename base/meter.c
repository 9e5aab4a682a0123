// SPDX-License-Identifier: Apache-2.0
/* A ring of pieces of time; those that nothing came in are emptied when the next one is looked at. */
#include <hffs/meter.h>

#include <string.h>

static void advance(struct meter *m, uint64_t now_ms)
{
	uint64_t now = now_ms / METER_SLOT_MS;

	if (now >= m->newest + METER_SLOTS) {
		memset(m->slots, 0, sizeof(m->slots));
		m->newest = now;
	}
	while (m->newest < now)
		m->slots[++m->newest % METER_SLOTS] = 0;
}

void meter_add(struct meter *m, uint64_t now_ms, uint64_t amount)
{
	advance(m, now_ms);
	m->slots[m->newest % METER_SLOTS] += amount;
}

uint64_t meter_rate(struct meter *m, uint64_t now_ms)
{
	uint64_t sum = 0;

	advance(m, now_ms);
	for (unsigned i = 0; i < METER_SLOTS; i++)
		sum += m->slots[i];
	return sum * 1000 / (METER_SLOTS * METER_SLOT_MS);
}
