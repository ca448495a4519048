/* Graph colouring by Metropolis or SGD-like (half-edge mini-batch) dynamics, written the straightforward way: colours in
 * an array, neighbours counted at every proposal, a table of exp(-dE/T), a random number for every flag of the mini-batch.
 * The yardstick of coloring_speed.py.
 *
 * usage: coloring metropolis|sgd_like PARAMETER N MEAN_DEGREE Q SWEEPS SEED
 * prints: nanoseconds of CPU time per proposal, mean energy per vertex over the timed sweeps
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 50 };

static uint64_t state[4];

static uint64_t rotate_left(uint64_t word, int count) { return (word << count) | (word >> (64 - count)); }

static uint64_t next_word(void)
{
    uint64_t output = rotate_left(state[0] + state[3], 23) + state[0], shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return output;
}

static double next_double(void) { return (next_word() >> 11) * 0x1p-53; }

static int next_below(int bound) { return (int)(((next_word() >> 32) * (uint64_t)bound) >> 32); }

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory) {
        fprintf(stderr, "coloring: out of memory\n");
        exit(1);
    }
    return memory;
}

/* Planted graph: uniform pairs of vertices in different blocks of n/q. */
static void draw_graph(int n, int n_edges, int q, int *offsets, int *neighbors)
{
    int *ends = allocate(2 * (size_t)n_edges * sizeof *ends), *cursor = allocate(n * sizeof *cursor);
    memset(offsets, 0, (n + 1) * sizeof *offsets);
    for (int e = 0; e < n_edges; e++) {
        int first, second;
        do {
            first = next_below(n);
            second = next_below(n);
        } while (first / (n / q) == second / (n / q));
        ends[2 * e] = first;
        ends[2 * e + 1] = second;
        offsets[first + 1]++;
        offsets[second + 1]++;
    }
    for (int i = 0; i < n; i++) {
        offsets[i + 1] += offsets[i];
        cursor[i] = offsets[i];
    }
    for (int e = 0; e < n_edges; e++) {
        neighbors[cursor[ends[2 * e]]++] = ends[2 * e + 1];
        neighbors[cursor[ends[2 * e + 1]]++] = ends[2 * e];
    }
    free(ends);
    free(cursor);
}

static long sweep_metropolis(int n, int q, const int *offsets, const int *neighbors, unsigned char *colors,
                             const double *acceptance)
{
    long change = 0;
    for (int i = 0; i < n; i++) {
        int old = colors[i], new = next_below(q - 1), difference = 0;
        new += new >= old;
        for (int h = offsets[i]; h < offsets[i + 1]; h++)
            difference += (colors[neighbors[h]] == new) - (colors[neighbors[h]] == old);
        if (difference <= 0 || next_double() < acceptance[difference]) {
            colors[i] = (unsigned char)new;
            change += difference;
        }
    }
    return change;
}

static long sweep_sgd_like(int n, int q, const int *offsets, const int *neighbors, unsigned char *colors,
                           double fraction)
{
    long change = 0;
    for (int i = 0; i < n; i++) {
        int old = colors[i], new = next_below(q - 1), difference = 0, in_batch = 0;
        new += new >= old;
        for (int h = offsets[i]; h < offsets[i + 1]; h++) {
            int step = (colors[neighbors[h]] == new) - (colors[neighbors[h]] == old);
            difference += step;
            if (next_double() < fraction)
                in_batch += step;
        }
        if (in_batch <= 0) {
            colors[i] = (unsigned char)new;
            change += difference;
        }
    }
    return change;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: coloring metropolis|sgd_like PARAMETER N MEAN_DEGREE Q SWEEPS SEED\n");
        return 2;
    }
    int metropolis = strcmp(argv[1], "metropolis") == 0;
    double parameter = atof(argv[2]);
    int n = atoi(argv[3]), q = atoi(argv[5]), sweeps = atoi(argv[6]);
    int n_edges = (int)lround(atof(argv[4]) * n / 2);
    uint64_t seed = strtoull(argv[7], NULL, 10);
    for (int k = 0; k < 4; k++) { /* splitmix64 */
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        state[k] = z ^ (z >> 31);
    }
    int *offsets = allocate((n + 1) * sizeof *offsets), *neighbors = allocate(2 * (size_t)n_edges * sizeof *neighbors);
    unsigned char *colors = allocate(n);
    draw_graph(n, n_edges, q, offsets, neighbors);
    int max_degree = 0;
    for (int i = 0; i < n; i++)
        if (offsets[i + 1] - offsets[i] > max_degree)
            max_degree = offsets[i + 1] - offsets[i];
    double *acceptance = allocate((max_degree + 1) * sizeof *acceptance);
    for (int d = 0; d <= max_degree; d++)
        acceptance[d] = exp(-d / parameter);
    for (int i = 0; i < n; i++)
        colors[i] = (unsigned char)next_below(q);
    long energy = 0;
    for (int i = 0; i < n; i++)
        for (int h = offsets[i]; h < offsets[i + 1]; h++)
            energy += neighbors[h] > i && colors[neighbors[h]] == colors[i];

    clock_t begin = 0;
    double total = 0;
    for (int t = 0; t < WARM_UP + sweeps; t++) {
        if (t == WARM_UP)
            begin = clock();
        energy += metropolis ? sweep_metropolis(n, q, offsets, neighbors, colors, acceptance)
                             : sweep_sgd_like(n, q, offsets, neighbors, colors, parameter);
        total += t >= WARM_UP ? (double)energy : 0;
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    printf("%.6f %.6f\n", 1e9 * seconds / ((double)n * sweeps), total / sweeps / n);
    free(offsets);
    free(neighbors);
    free(colors);
    free(acceptance);
    return 0;
}
