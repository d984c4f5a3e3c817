-- Of a fleet whose values are forecast: the quantiles of each asset at each horizon, as the answer gives them.
alter table aura.scores add column forecast jsonb;
