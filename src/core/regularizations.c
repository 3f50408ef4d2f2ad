/*
 * regularizations.c - the table of regularizations.
 */
#include "block.h"

static const SfsRegularizer *const table[SFS_REG_COUNT] = {
	[SFS_REG_L2] = &sfs_reg_l2,
	[SFS_REG_KL] = &sfs_reg_kl,
};

/* See block.h: at strength 0 every regularization has the same limit. */
const SfsRegularizer *
sfs_regularizer(SfsRegularization reg, SfsStrength strength)
{
	return strength.m == 0.0 ? &sfs_reg_l2 : table[reg];
}

/* See sfs_core.h. */
const char *
sfs_regularization_name(SfsRegularization reg)
{
	return table[reg]->name;
}
