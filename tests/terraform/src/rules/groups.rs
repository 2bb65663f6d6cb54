//! Auto Scaling: what is checked only while a group is being made.

use super::Findings;
use crate::value::Value;

pub(super) fn scaling_group(config: &Value, found: &mut Findings) {
    let number = |name: &str| config.get(name).as_number();
    // The provider's default of both is 0.
    let (least, most) = (config.get("min_instance_number"), config.get("max_instance_number"));
    if *least == Value::Unknown || *most == Value::Unknown {
        return;
    }
    let (least, most) = (least.as_number().unwrap_or(0.0), most.as_number().unwrap_or(0.0));
    if least > most {
        found.add("min_instance_number", format!("is {least}, above max_instance_number {most}"));
    }
    if number("desire_instance_number").is_some_and(|wanted| !(least..=most).contains(&wanted)) {
        found.add("desire_instance_number", format!("is outside {least} to {most}"));
    }
}

pub(super) fn configuration(config: &Value, found: &mut Findings) {
    for instance in config.get("instance_config").items() {
        let disks = instance.get("disk").items();
        let system = disks.iter().filter(|disk| disk.get("disk_type").as_text() == Some("SYS")).count();
        let open = disks.iter().any(|disk| *disk.get("disk_type") == Value::Unknown);
        if !disks.is_empty() && !open && system != 1 {
            found.add("instance_config", format!("needs exactly one disk of type SYS, has {system}"));
        }
        if let Some(flavors) = instance.get("flavor").as_text()
            && flavors.split(',').count() > 10
        {
            found.add("instance_config", "takes at most 10 flavors");
        }
    }
}
