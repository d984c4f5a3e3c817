-- A version's stage is what the champion's history and its gates say. The column that told it beside them could differ.
drop index aura.one_production_version_per_model;
alter table aura.model_versions drop column stage;

-- production: the newest champion event names it; archived: an earlier one does; staging: all its gates passed.
create view aura.version_stages with (security_invoker = true) as
select v.model, v.version,
       case
         when v.version = (select e.version from aura.alias_events e
                            where e.model = v.model and e.alias = 'champion' order by e.position desc limit 1)
           then 'production'
         when exists (select from aura.alias_events e
                       where e.model = v.model and e.alias = 'champion' and e.version = v.version)
           then 'archived'
         when json_array_length(v.gates) > 0
              and not exists (select from json_array_elements(v.gates) g where (g ->> 'passed') is distinct from 'true')
           then 'staging'
         else 'candidate'
       end as stage
  from aura.model_versions v;
