/* cli/operator.h - what `operator` solves, what theory says of it beforehand, and what it leaves behind. */
#ifndef SL_CLI_OPERATOR_H
#define SL_CLI_OPERATOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/run.h"
#include "cli/options.h"
#include "sim/operators/operator.h"

/* D(x) = uniform I + slope grad f grad f^T: the covariance of one step of SGD over twice the time that it takes. */
typedef struct {
    double uniform, slope;
} sl_sgd_diffusion;

typedef struct {
    const char *loss, *schedule; /* as they were named */
    sl_operator op;
    sl_question question;
    bool of_sgd;        /* there are a rate and a noise, given; not a temperature alone                          */
    double rate;        /* mean rate l of a step; NAN: no SGD                                                    */
    double q;           /* E alpha^2 / (E alpha)^2                                                               */
    double batch;       /* C; op.noise_variance is D0 / C                                                        */
    double temperature; /* of f, to leading order in l where SGD is behind it                                    */
    double step;        /* time of dx = -f' dt that a unit of the operator's own time is, to leading order       */
    double outside;     /* what choosing the domain said of the mass beyond it                                   */
    double bytes;       /* that the grid given takes, or the first two of the ladder */
    sl_sgd_diffusion diffusion; /* op.diffusion_ctx points here: an operation stays where it is */
} sl_operation;

/* From the options; then the domain and the memory. Errors: SL_E_USAGE for what is missing or contradicts itself,
 * SL_E_DOMAIN, those of the operator's own check. */
SL_CHECKED sl_status sl_operation_init(sl_operation *o, const sl_cli *cli, sl_err *err);

/* One phrase: the equation that is solved, with its numbers. */
void sl_operation_print(char *text, size_t size, const sl_operation *o);

/* What theory says of a number: the operator's own name for it, or that with a suffix for a second opinion. */
typedef struct {
    char name[32], key[48]; /* of the number; of the prediction in JSON ("mfpt", "mfpt_kramers")    */
    size_t index;
    double value, imag;
    bool exact;     /* but for quadrature; else an expansion                                 */
    const char *by; /* a few words: where it comes from                                      */
} sl_forecast;

enum { SL_FORECASTS = 512 };

typedef struct {
    size_t n;
    sl_forecast forecast[SL_FORECASTS];
} sl_forecasts;

/* Where theory has nothing, nothing is added: no errors. */
void sl_operation_predict(sl_forecasts *p, const sl_operation *o);

/* The i-th forecast of that number (the best one first), or NULL. */
const sl_forecast *sl_forecast_of(const sl_forecasts *p, const char *name, size_t index, size_t i);

/* operator.dat with the numbers, a .dat a field, and a picture. */
SL_CHECKED sl_status sl_operation_write(sl_run *run, const sl_operation *o, const sl_answer *a, const sl_forecasts *p,
                                        const cJSON *config, sl_err *err);

/* Its picture: lines in one dimension, maps on the plane. Errors: those of sl_plot. */
SL_CHECKED sl_status sl_operation_draw(sl_run *run, const sl_operation *o, const sl_answer *a, sl_err *err);

cJSON *sl_operation_json(const sl_operation *o, const sl_answer *a, const sl_forecasts *p, bool met, double seconds,
                         const cJSON *config);
void sl_operation_people(const sl_cli *cli, const cJSON *result);

#endif
