-- A run may be reset: what it did from some point on is done again, in its next take. The tables of everything that may be done again
-- lie in r_zero_all, with the rows of all takes; these views show the current ones. A row can be written through them, too.
create view r_zero.phases as select * from r_zero_all.phases where superseded_by is null;
create view r_zero.units as select * from r_zero_all.units where superseded_by is null;
create view r_zero.questions as select * from r_zero_all.questions where superseded_by is null;
create view r_zero.answers as select * from r_zero_all.answers where superseded_by is null;
create view r_zero.votes as select * from r_zero_all.votes where superseded_by is null;
create view r_zero.gate_decisions as select * from r_zero_all.gate_decisions where superseded_by is null;
create view r_zero.rollouts as select * from r_zero_all.rollouts where superseded_by is null;
create view r_zero.rewards as select * from r_zero_all.rewards where superseded_by is null;
create view r_zero.policy_updates as select * from r_zero_all.policy_updates where superseded_by is null;
create view r_zero.evaluations as select * from r_zero_all.evaluations where superseded_by is null;
create view r_zero.evaluation_items as select * from r_zero_all.evaluation_items where superseded_by is null;
create view r_zero.evaluation_comparisons as select * from r_zero_all.evaluation_comparisons where superseded_by is null;
create view r_zero.alarms as select * from r_zero_all.alarms where superseded_by is null;
create view r_zero.audits as select * from r_zero_all.audits where superseded_by is null;
create view r_zero.anchors as select * from r_zero_all.anchors where superseded_by is null;
create view r_zero.anchor_answers as select * from r_zero_all.anchor_answers where superseded_by is null;
