-- Of several classes: the probability of any but the most frequent one, by which the fleet is ranked.
alter table aura.scores add column risk double precision;
