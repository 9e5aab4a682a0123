/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read config.json share. */
#ifndef HFFS_CONFIG_JSON_INT_H
#define HFFS_CONFIG_JSON_INT_H

#include "config_int.h"
#include "reader_int.h"

/* Fills c->rope and c->rope_sliding; architecture, head_dim and context are known by then. */
void config_json_rope(struct reader *r, struct model_config *c);
/* quantization_config: config_scales.c */
void config_json_scales(struct reader *r, struct model_config *c);

#endif
