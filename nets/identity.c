#include "nets/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nets/augment.h"
#include "nets/layer.h"
#include "nets/seal.h"
#include "optim/rate_table.h"

/* Of pictures and labels, and of how the pictures are standardised. */
static uint64_t data_checksum(const sl_dataset *d)
{
    if (!d) return 0;
    uint64_t sum = sl_checksum(d->pixels, d->n * d->features, 0);
    sum = sl_checksum(d->labels, d->n, sum);
    sum = sl_checksum(d->mean, sizeof d->mean, sum);
    return sl_checksum(d->deviation, sizeof d->deviation, sum);
}

static uint64_t shape_checksum(sl_shape s, uint64_t sum)
{
    const uint64_t numbers[] = {s.height, s.width, s.channels};
    return sl_checksum(numbers, sizeof numbers, sum);
}

/* Of the layers with their settings, and of the names of what they are made of. */
static uint64_t model_checksum(const sl_model *m)
{
    uint64_t sum = shape_checksum(m->input, m->classes);
    for (size_t i = 0; i < m->n_layers; i++) {
        const sl_layer *const l = &m->layers[i];
        sum = sl_checksum(l->kind->name, strlen(l->kind->name), sum);
        sum = sl_checksum(l->input, l->n_inputs * sizeof *l->input, sum);
        const uint64_t numbers[] = {l->kernel, l->stride, l->padding, l->weight, l->bias};
        sum = sl_checksum(numbers, sizeof numbers, sum);
        sum = sl_checksum(&l->p, sizeof l->p, sum);
        sum = shape_checksum(l->out, sum);
    }
    for (size_t i = 0; i < m->n_views; i++) sum = sl_checksum(m->views[i].name, strlen(m->views[i].name), sum);
    return sum;
}

static void print_words(FILE *f, const sl_train_config *c, const sl_schedule *s, const float *initial)
{
    static const char *const orders[] = {"shuffle", "file", "replacement"};
    char schedule[1024], lr[32], mu[32], decay[32], smoothing[32], augment[SL_AUGMENT_TEXT];
    sl_spec_print(schedule, sizeof schedule, &s->spec);
    sl_print_double(lr, c->lr);
    sl_print_double(mu, c->rule.mu);
    sl_print_double(decay, c->rule.weight_decay);
    sl_print_double(smoothing, c->label_smoothing);
    sl_augment_print(augment, &c->augment);
    fprintf(f, "model=%zu/%016llx", sl_model_parameters(c->model), (unsigned long long)model_checksum(c->model));
    fprintf(f, " train=%zu/%016llx test=%zu/%016llx", c->train->n, (unsigned long long)data_checksum(c->train),
            c->test ? c->test->n : 0, (unsigned long long)data_checksum(c->test));
    fprintf(f, " augment=%s label-smoothing=%s", augment, smoothing);
    fprintf(f, " rule=%s momentum=%s weight-decay=%s alpha-on=%s", sl_rule_name(&c->rule), mu, decay,
            c->rule.alpha_on == SL_ALPHA_ON_GRADIENT ? "gradient" : "step");
    if (c->regime) {
        char regime[1024];
        sl_regime r;
        if (sl_regime_init(&r, c->regime, &c->rule, 1, NULL) == SL_OK) sl_spec_print(regime, sizeof regime, &r.spec);
        else snprintf(regime, sizeof regime, "%s", c->regime);
        fprintf(f, " regime=%s", regime);
    } else {
        fprintf(f, " schedule=%s lr=%s", schedule, lr);
        if (s->table) fprintf(f, " table=%016llx", (unsigned long long)sl_rate_table_hash(s->table));
    }
    fprintf(f, " batch=%zu epochs=%llu steps=%llu order=%s seed=%llu initial=%016llx", c->batch,
            (unsigned long long)c->epochs, (unsigned long long)c->steps, orders[c->order],
            (unsigned long long)c->seed,
            (unsigned long long)sl_checksum(initial, sl_model_state(c->model) * sizeof *initial, 0));
}

sl_status sl_train_identity(char **words, const sl_train_config *c, const sl_schedule *schedule, const float *initial,
                            sl_err *err)
{
    char *text = NULL;
    size_t size;
    FILE *const f = open_memstream(&text, &size);
    if (f) print_words(f, c, schedule, initial);
    if (!f || fclose(f) != 0 || !text) {
        free(text);
        return sl_fail(err, SL_E_MEMORY, "no memory for a checkpoint");
    }
    *words = text;
    return SL_OK;
}
